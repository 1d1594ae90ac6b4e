import { isObject, type JsonObject } from '../../lambdas/common/json.ts';

/** How a client proves itself at the token endpoint: with a key it publishes, or with a secret in the form. */
type ClientAuthentication =
  | {
      /** Where the client publishes the public halves of its signing keys. */
      readonly jwksUri: string;
      /** What its assertions are signed with (default RS512). */
      readonly signingAlgorithm?: SigningAlgorithm;
      readonly clientSecret?: never;
    }
  | { readonly clientSecret: string; readonly jwksUri?: never; readonly signingAlgorithm?: never };

export type SigningAlgorithm = 'RS512' | 'RS256';

/** A registration at the simulator, as a team agrees it with CIS2. */
export type ClientRegistration = ClientAuthentication & {
  readonly clientId: string;
  /** Compared character by character. */
  readonly redirectUris: readonly string[];
  /** Where logout tokens go; CIS2 knows one for each client. */
  readonly backchannelLogoutUri?: string;
  /** Where a browser may be sent after the end-session endpoint; compared character by character. */
  readonly postLogoutRedirectUris?: readonly string[];
};

/** What is wrong with a registration, each problem in words for whoever wrote it. */
export class RegistrationError extends Error {
  override readonly name = 'RegistrationError';
  readonly code = 'registration_invalid';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('; '));
    this.problems = problems;
  }
}

/** What a registration file looks like; the names are those of CIS2's Connection Manager. */
export const exampleRegistrations = `{
  "clients": [
    {
      "client_id": "my-app",
      "redirect_uris": ["http://localhost:3000/callback"],
      "token_endpoint_auth_method": "private_key_jwt",
      "jwks_uri": "http://localhost:3000/jwks.json",
      "jwks_uri_signing_algorithm": "RS512",
      "backchannel_logout_uri": "http://localhost:3000/backchannel-logout",
      "post_logout_redirect_uris": ["http://localhost:3000/signed-out"]
    },
    {
      "client_id": "my-other-app",
      "client_secret": "not-a-secret",
      "token_endpoint_auth_method": "client_secret_post",
      "redirect_uris": ["http://localhost:4000/callback"]
    }
  ]
}
`;

const members = [
  'client_id',
  'client_name',
  'description',
  'redirect_uris',
  'token_endpoint_auth_method',
  'client_secret',
  'jwks_uri',
  'jwks_uri_signing_algorithm',
  'backchannel_logout_uri',
  'post_logout_redirect_uris',
];

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

const isWebAddress = (value: unknown): value is string =>
  typeof value === 'string' && URL.canParse(value) && /^https?:\/\//.test(value) && !value.includes('#');

/** Reads one member after another and collects what is wrong. */
class Reader {
  readonly problems: string[] = [];
  readonly #client: JsonObject;
  readonly #place: string;

  constructor(client: JsonObject, place: string) {
    this.#client = client;
    this.#place = place;
  }

  problem(text: string): void {
    this.problems.push(`${this.#place}: ${text}`);
  }

  text(name: string): string {
    const value = this.#client[name];
    if (isText(value)) return value;
    this.problem(`${name} must be a string that is not empty`);
    return '';
  }

  address(name: string): string {
    const value = this.#client[name];
    if (isWebAddress(value)) return value;
    this.problem(`${name} must be an http or https URL without a fragment`);
    return '';
  }

  addresses(name: string): string[] {
    const value = this.#client[name];
    if (Array.isArray(value) && value.length > 0 && value.every(isWebAddress)) return value;
    this.problem(`${name} must be a list of http or https URLs without fragments, at least one`);
    return [];
  }

  oneOf<Choice extends string>(name: string, choices: readonly Choice[], otherwise: Choice): Choice {
    const value = this.#client[name] ?? otherwise;
    const choice = choices.find((known) => known === value);
    if (choice === undefined) this.problem(`${name} must be ${choices.join(' or ')}`);
    return choice ?? otherwise;
  }
}

function readRegistration(value: unknown, place: string, problems: string[]): ClientRegistration | undefined {
  if (!isObject(value)) {
    problems.push(`${place} must be an object`);
    return undefined;
  }
  const read = new Reader(value, place);
  for (const name of Object.keys(value)) {
    if (!members.includes(name)) read.problem(`${name} is not known (known: ${members.join(', ')})`);
  }
  const has = (name: string): boolean => value[name] !== undefined;
  const methods = ['private_key_jwt', 'client_secret_post'] as const;
  const method = read.oneOf(
    'token_endpoint_auth_method',
    methods,
    has('client_secret') && !has('jwks_uri') ? 'client_secret_post' : 'private_key_jwt',
  );
  const [wanted, unwanted] =
    method === 'private_key_jwt' ? ['jwks_uri', 'client_secret'] : ['client_secret', 'jwks_uri'];
  if (has(unwanted)) read.problem(`${unwanted} does not go with ${method}, which takes ${wanted}`);
  if (method === 'client_secret_post' && has('jwks_uri_signing_algorithm')) {
    read.problem('jwks_uri_signing_algorithm does not go with client_secret_post');
  }
  const registration = {
    clientId: read.text('client_id'),
    redirectUris: read.addresses('redirect_uris'),
    ...(method === 'private_key_jwt'
      ? {
          jwksUri: read.address('jwks_uri'),
          signingAlgorithm: read.oneOf('jwks_uri_signing_algorithm', ['RS512', 'RS256'], 'RS512'),
        }
      : { clientSecret: read.text('client_secret') }),
    ...(has('backchannel_logout_uri')
      ? { backchannelLogoutUri: read.address('backchannel_logout_uri') }
      : {}),
    ...(has('post_logout_redirect_uris')
      ? { postLogoutRedirectUris: read.addresses('post_logout_redirect_uris') }
      : {}),
  };
  problems.push(...read.problems);
  return registration;
}

/**
 * Reads registrations as Connection Manager names their members: `{"clients": […]}`, the list alone, or one client alone.
 *
 * @throws RegistrationError with every problem there is
 */
export function readRegistrations(value: unknown): ClientRegistration[] {
  const list: unknown = isObject(value) && 'clients' in value ? value['clients'] : value;
  const clients: unknown = isObject(list) ? [list] : list;
  if (!Array.isArray(clients) || clients.length === 0) {
    throw new RegistrationError(['it must be {"clients": […]} with at least one client']);
  }
  const problems: string[] = [];
  const registrations = clients.flatMap(
    (client: unknown, index) => readRegistration(client, `client ${String(index + 1)}`, problems) ?? [],
  );
  const ids = registrations.map(({ clientId }) => clientId).filter((id) => id !== '');
  for (const id of new Set(ids.filter((id, index) => ids.indexOf(id) !== index))) {
    problems.push(`client_id ${JSON.stringify(id)} is there twice`);
  }
  if (problems.length > 0) throw new RegistrationError(problems);
  return registrations;
}
