import { CommandRefused, readJson } from '../control-panel/input.ts';
import { isMarked } from '../control-panel/path.ts';
import type { ControlPanel } from './control-panel.ts';
import { controlPanelPage, type Notice } from './control-panel-page.ts';
import { json, type HttpResponse, type Request } from './http.ts';
import { controlPanelPaths } from './metadata.ts';
import { telemetryPage } from './telemetry-page.ts';
import type { Telemetry } from '../telemetry.ts';

/**
 * Whether a request may change something: it comes from the panel itself, or from a program, which no other site can
 * make a browser pretend to be. A browser says where a request comes from; another `Origin` never gets this far.
 */
function mayCommand({ headers }: Request): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin === undefined && site === undefined) return isMarked(headers);
  return (site ?? 'same-origin') === 'same-origin';
}

/** Reading changes nothing, and no other site can read the response; that it asks at all is refused all the same. */
export function mayRead({ headers }: Pick<Request, 'headers'>): boolean {
  const { 'sec-fetch-site': site } = headers;
  return site === undefined || site === 'same-origin' || site === 'none';
}

const problem = (status: number, message: string): HttpResponse => json(status, { error: message }, message);

const crossSite = (): HttpResponse =>
  problem(403, 'The control panel takes no request of another site; a program sends X-Control-Panel: 1.');

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

  const call = async (command: string, request: Request): Promise<HttpResponse> => {
    try {
      return json(
        200,
        await controlPanel.run(command, readJson(request.body, request.headers)),
        `control panel ${command}`,
      );
    } catch (error) {
      if (!(error instanceof CommandRefused)) throw error;
      return problem(400, error.message);
    }
  };

  const methodNotAllowed = (allow: string): HttpResponse => {
    const response = problem(405, `Use ${allow}.`);
    return { ...response, headers: { ...response.headers, allow } };
  };

  const respond = async (request: Request): Promise<HttpResponse> => {
    const { path, method } = request;
    const page = path === controlPanelPaths.telemetry ? telemetry : undefined;
    const isRead = path === controlPanelPaths.panel || path === controlPanelPaths.state || page !== undefined;
    const wanted = isRead ? 'GET' : 'POST';
    const api = path.startsWith(controlPanelPaths.api);
    const command = path.slice((api ? controlPanelPaths.api : controlPanelPaths.form).length);
    if (!isRead && !Object.hasOwn(controlPanel.commands, command))
      return problem(404, 'There is no such command.');
    if (method !== wanted) return methodNotAllowed(wanted);
    if (!(isRead ? mayRead(request) : mayCommand(request))) return crossSite();
    if (path === controlPanelPaths.panel) return show();
    if (page !== undefined) return telemetryPage(page(), { hasControlPanel: true });
    if (path === controlPanelPaths.state) return json(200, controlPanel.state, 'control panel state');
    return api ? call(command, request) : submit(command, request);
  };

  return (request) =>
    request.path === controlPanelPaths.panel || request.path.startsWith(controlPanelPaths.form)
      ? respond(request)
      : undefined;
}
