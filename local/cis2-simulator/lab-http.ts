import type { Lab, LabInput } from './lab.ts';
import { LabRefused } from './lab.ts';
import { labPage, type Notice } from './lab-page.ts';
import { json, type Answer, type Request } from './http.ts';
import { labPaths } from './metadata.ts';

/**
 * Whether a request may change something: it comes from the panel itself, or from a program, which no other site can
 * make a browser pretend to be. A browser says where a request comes from; another `Origin` never gets this far.
 */
function mayCommand({ headers }: Request): boolean {
  const { origin, 'sec-fetch-site': site, 'x-lab': mark } = headers;
  if (origin === undefined && site === undefined) return mark === '1';
  return (site ?? 'same-origin') === 'same-origin';
}

/** Looking changes nothing, and no other site can read the answer; that it asks at all is refused all the same. */
function mayLook({ headers }: Request): boolean {
  const { 'sec-fetch-site': site } = headers;
  return site === undefined || site === 'same-origin' || site === 'none';
}

const problem = (status: number, message: string): Answer => json(status, { error: message }, message);

const crossSite = (): Answer =>
  problem(403, 'The laboratory takes no request of another site; a program sends X-Lab: 1.');

function readJson({ body, headers }: Request): LabInput {
  if (body === '') return {};
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    throw new LabRefused('The body must be application/json.');
  }
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new LabRefused('The body is not JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new LabRefused('The body must be a JSON object.');
  }
  return value as LabInput;
}

/** The control panel and the control API. Answers undefined for a path that is none of theirs. */
export function createLabEndpoint(lab: Lab): (request: Request) => Promise<Answer> | undefined {
  // What the last form did, for the page that the browser is sent back to.
  let notice: Notice | undefined;

  const show = (): Answer => {
    const shown = notice;
    notice = undefined;
    return labPage(lab.state, shown);
  };

  const submit = async (command: string, { form }: Request): Promise<Answer> => {
    try {
      const { message, deliveries = [] } = await lab.run(command, Object.fromEntries(form));
      notice = { message, deliveries, failed: false };
    } catch (error) {
      if (!(error instanceof LabRefused)) throw error;
      notice = { message: error.message, deliveries: [], failed: true };
    }
    return { status: 303, headers: { location: labPaths.panel }, body: '', outcome: `lab ${command}` };
  };

  const call = async (command: string, request: Request): Promise<Answer> => {
    try {
      return json(200, await lab.run(command, readJson(request)), `lab ${command}`);
    } catch (error) {
      if (!(error instanceof LabRefused)) throw error;
      return problem(400, error.message);
    }
  };

  const methodNotAllowed = (allow: string): Answer => {
    const answer = problem(405, `Use ${allow}.`);
    return { ...answer, headers: { ...answer.headers, allow } };
  };

  const answer = async (request: Request): Promise<Answer> => {
    const { path, method } = request;
    const looks = path === labPaths.panel || path === labPaths.state;
    const wanted = looks ? 'GET' : 'POST';
    const api = path.startsWith(labPaths.api);
    const command = path.slice((api ? labPaths.api : labPaths.form).length);
    if (!looks && !Object.hasOwn(lab.commands, command)) return problem(404, 'There is no such command.');
    if (method !== wanted) return methodNotAllowed(wanted);
    if (!(looks ? mayLook(request) : mayCommand(request))) return crossSite();
    if (path === labPaths.panel) return show();
    if (path === labPaths.state) return json(200, lab.state, 'lab state');
    return api ? call(command, request) : submit(command, request);
  };

  return (request) =>
    request.path === labPaths.panel || request.path.startsWith(labPaths.form) ? answer(request) : undefined;
}
