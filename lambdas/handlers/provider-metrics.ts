import type { ProviderCall } from '../cis2/index.ts';
import type { Logger } from '../telemetry/index.ts';

/** Measures calls to CIS2 as they are over. */
export const measureProvider =
  (log: Logger) =>
  ({ milliseconds, failed, clockDifference }: ProviderCall): void => {
    log.measure('ProviderLatency', Math.round(milliseconds));
    log.measure('ClockDifference', Math.round(clockDifference));
    if (failed) log.measure('ProviderUnavailable');
  };
