/** Where a simulator's control panel is, and how a program says that it means to use it. Both had another name before. */
import type { IncomingHttpHeaders } from 'node:http';

export const controlPanelPath = '/control-panel';

/** What a local run has measured and logged. */
export const telemetryPath = `${controlPanelPath}/telemetry`;

/** A path as it is called now: tests of other projects may still ask for `/lab`. */
export const currentPath = (path: string): string => path.replace(/^\/lab(?=\/|$)/, controlPanelPath);

/** Whether a program has sent `X-Control-Panel: 1`, or `X-Lab: 1` as before. */
export const isMarked = (headers: IncomingHttpHeaders): boolean =>
  (headers['x-control-panel'] ?? headers['x-lab']) === '1';
