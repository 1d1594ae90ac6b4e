/** The control API of a simulator: `POST /control-panel/api/COMMAND`, and `GET /control-panel/api/state`. */
import { json, withHeaders, type HttpResponse, type Request } from './http.ts';
import { CommandRefused, readJson, type CommandInput } from './input.ts';
import { controlPanelPath, isMarked } from './path.ts';

export const apiPath = `${controlPanelPath}/api/`;

/** What a tester can do to a simulator while something uses it. */
export interface Commands {
  /** Each says what it has done, and throws CommandRefused for input it cannot work with. */
  readonly commands: Readonly<Record<string, unknown>>;
  /** Everything there is to see. Never a token or a secret. */
  readonly state: object;
}

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

/**
 * Why a request to the panel is refused; undefined when it may be carried out.
 *
 * @param command - undefined where the request is for something to see
 */
export function refusalOf(
  { commands }: Commands,
  command: string | undefined,
  request: Request,
): HttpResponse | undefined {
  if (command !== undefined && !Object.hasOwn(commands, command)) {
    return problem(404, 'There is no such command.');
  }
  const allow = command === undefined ? 'GET' : 'POST';
  if (request.method !== allow) return withHeaders(problem(405, `Use ${allow}.`), { allow });
  const mayPass = command === undefined ? mayRead(request) : mayCommand(request);
  return mayPass
    ? undefined
    : problem(403, 'The control panel takes no request of another site; a program sends X-Control-Panel: 1.');
}

/** @param run - carries a known command out, and gives what is sent back */
export async function apiResponse(
  panel: Commands,
  request: Request,
  run: (command: string, input: CommandInput) => object | Promise<object>,
): Promise<HttpResponse> {
  const name = request.path.slice(apiPath.length);
  const command = name === 'state' ? undefined : name;
  const refusal = refusalOf(panel, command, request);
  if (refusal !== undefined) return refusal;
  if (command === undefined) return json(200, panel.state, 'control panel state');
  try {
    const result = await run(command, readJson(request.body, request.headers));
    return json(200, result, `control panel ${command}`);
  } catch (error) {
    if (!(error instanceof CommandRefused)) throw error;
    return problem(400, error.message);
  }
}
