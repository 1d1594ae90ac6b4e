import { apiPath, apiResponse, refusalOf } from '../control-panel/api.ts';
import type { HttpResponse, Request } from '../control-panel/http.ts';
import { CommandRefused } from '../control-panel/input.ts';
import type { Telemetry } from '../telemetry.ts';
import type { ControlPanel } from './control-panel.ts';
import { controlPanelPage, type Notice } from './control-panel-page.ts';
import { controlPanelPaths } from './metadata.ts';
import { telemetryPage } from './telemetry-page.ts';

/** The control panel and the control API. Returns undefined for a path that is none of theirs. */
export function createControlPanelEndpoint(
  controlPanel: ControlPanel,
  telemetry: (() => Telemetry) | undefined,
): (request: Request) => Promise<HttpResponse> | undefined {
  // What the last form did, for the page that the browser is sent back to.
  let notice: Notice | undefined;

  const show = (): HttpResponse => {
    const shown = notice;
    notice = undefined;
    return controlPanelPage(controlPanel.state, shown, telemetry !== undefined);
  };
  const pages: Readonly<Record<string, (() => HttpResponse) | undefined>> = {
    [controlPanelPaths.panel]: show,
    [controlPanelPaths.telemetry]: telemetry && (() => telemetryPage(telemetry(), { hasControlPanel: true })),
  };

  const submit = async (command: string, { form }: Request): Promise<HttpResponse> => {
    try {
      const { message, deliveries = [] } = await controlPanel.run(command, Object.fromEntries(form));
      notice = { message, deliveries, failed: false };
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      notice = { message: error.message, deliveries: [], failed: true };
    }
    return {
      status: 303,
      headers: { location: controlPanelPaths.panel },
      body: '',
      outcome: `control panel ${command}`,
    };
  };

  const respond = async (request: Request): Promise<HttpResponse> => {
    const { path } = request;
    if (path.startsWith(apiPath)) {
      return apiResponse(controlPanel, request, (command, input) => controlPanel.run(command, input));
    }
    const page = Object.hasOwn(pages, path) ? pages[path] : undefined;
    const command = path.slice(controlPanelPaths.form.length);
    const refusal = refusalOf(controlPanel, page === undefined ? command : undefined, request);
    return refusal ?? page?.() ?? submit(command, request);
  };

  return (request) =>
    request.path === controlPanelPaths.panel || request.path.startsWith(controlPanelPaths.form)
      ? respond(request)
      : undefined;
}
