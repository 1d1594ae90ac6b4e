/** Measures its own CPU time: requests to the built bundles, and the parts of these by themselves. */
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda';
import { importJWK, jwtVerify } from 'jose';
import { edgeHeaders } from '../api-proxy/messages.ts';
import type { StoreCall } from '../support/replaying-store.ts';
import type { Asked, Given, Plan } from './messages.ts';

const plan = JSON.parse(process.argv[2] ?? '') as Plan;
/** Sign-ins in a round: each costs several session reads. */
const signIns = Math.max(1, Math.round(plan.calls / 5));
const warmUpCalls = 1_000;

const ask = async (asked: Asked): Promise<Given> => {
  process.send?.(asked);
  return ((await once(process, 'message')) as [Given])[0];
};

/** Microseconds a call. */
async function measure<Work>(
  works: readonly Work[],
  call: (work: Work) => Promise<unknown>,
): Promise<number> {
  const before = process.cpuUsage();
  for (const work of works) await call(work);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / works.length;
}
const times = (count: number): readonly undefined[] => Array.from({ length: count });

type Handler = (event: APIGatewayProxyEventV2, context: object) => Promise<APIGatewayProxyStructuredResultV2>;
const load = async (name: string): Promise<Handler> =>
  ((await import(join(plan.bundles, name, 'index.mjs'))) as { handler: Handler }).handler;
const event = (path: string, query: string, cookies: readonly string[]): APIGatewayProxyEventV2 =>
  ({
    version: '2.0',
    rawPath: path,
    rawQueryString: query,
    headers: {
      ...{ accept: '*/*', host: 'app.example.nhs.uk', 'user-agent': 'Mozilla/5.0 (bench)' },
      ...edgeHeaders,
      ...{ 'x-csrf': '1', 'sec-fetch-site': 'same-origin', cookie: cookies.join('; ') },
    },
    cookies,
    isBase64Encoded: false,
    requestContext: { http: { method: 'GET', path } },
  }) as unknown as APIGatewayProxyEventV2;

interface Sdk {
  readonly client: DynamoDBClient;
  readonly [command: string]: unknown;
}
type Send = (call: StoreCall) => Promise<unknown>;
/** Bytes are base64 on the wire. */
const fromWire = (_name: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'B' in value && typeof value.B === 'string'
    ? { B: Buffer.from(value.B, 'base64') }
    : value;
/** Sends with a bare client what the store was sent before. */
async function sender(file: string): Promise<Send> {
  process.env['AWS_ENDPOINT_URL_DYNAMODB'] = plan.again;
  const sdk = (await import(file)) as Sdk;
  return async ({ operation, body }) => {
    const Command = sdk[`${operation}Command`] as new (
      input: unknown,
    ) => Parameters<DynamoDBClient['send']>[0];
    return sdk.client.send(new Command(JSON.parse(body, fromWire)));
  };
}

const session = await load('session');
const handlers = { login: await load('login'), callback: await load('callback') };
const senders = { usual: await sender(plan.clients.usual), ours: await sender(plan.clients.ours) };

async function readSession(): Promise<void> {
  const { body } = await session(event('/auth/session', '', [plan.cookie]), {});
  if (body?.startsWith('{"status":"active"') !== true) throw new Error(`not signed in: ${String(body)}`);
}

/** Sign-ins that have come back from CIS2. */
async function startSignIns(count: number): Promise<readonly APIGatewayProxyEventV2[]> {
  const started: { location: string; cookie: string }[] = [];
  for (let index = 0; index < count; index += 1) {
    const { headers, cookies } = await handlers.login(event('/auth/login', '', []), {});
    started.push({
      location: String(headers?.['location']),
      cookie: String(cookies?.[0]).split(';')[0] ?? '',
    });
  }
  const { grants = [] } = await ask({ ask: 'authorise', locations: started.map(({ location }) => location) });
  return grants.map(({ code, state }, index) => {
    const query = new URLSearchParams({ code, state, iss: plan.issuer, client_id: 'bench' });
    return event('/auth/callback', query.toString(), [started[index]?.cookie ?? '']);
  });
}

async function finishSignIn(returned: APIGatewayProxyEventV2): Promise<void> {
  const { statusCode, cookies } = await handlers.callback(returned, {});
  if (statusCode !== 303 || cookies === undefined) throw new Error('a sign-in failed');
}

// The parts of a callback: a signature by a key of 4,096 bits, two calls to CIS2, a verified ID token, the store's calls.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 4096 });
const verifier = randomBytes(32).toString('base64url');
const redirectUri = 'https://app.example.nhs.uk/auth/callback';
const theirKey = await importJWK(plan.providerKey, 'RS256');
const authorisation = `${plan.issuer}/authorize?${new URLSearchParams({
  ...{ client_id: 'bench', redirect_uri: redirectUri, nonce: 'n'.repeat(43), state: 's' },
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
}).toString()}`;
const startParts = async (count: number): Promise<readonly string[]> =>
  (
    (await ask({ ask: 'authorise', locations: Array.from({ length: count }, () => authorisation) })).grants ??
    []
  ).map(({ code }) => code);
const finishParts =
  (send: Send, stored: readonly StoreCall[]) =>
  async (code: string): Promise<void> => {
    const signature = await new Promise<Buffer>((resolve, reject) => {
      sign('sha512', Buffer.alloc(400), privateKey, (error, signed) => {
        if (error === null) resolve(signed);
        else reject(error);
      });
    });
    const response = await fetch(`${plan.issuer}/access_token`, {
      method: 'POST',
      body: new URLSearchParams({
        ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
        ...{ client_id: 'bench', client_assertion: `${'a'.repeat(540)}.${signature.toString('base64url')}` },
      }),
    });
    const tokens = (await response.json()) as { access_token: string; id_token: string };
    await jwtVerify(tokens.id_token, theirKey, { issuer: plan.issuer, audience: 'bench' });
    const authorization = `Bearer ${tokens.access_token}`;
    await (await fetch(`${plan.issuer}/userinfo`, { headers: { authorization } })).json();
    for (const call of stored) await send(call);
  };

await readSession();
const [read] = ((await ask({ ask: 'passed' })).passed ?? []).filter(({ operation }) => operation === 'Query');
if (read === undefined) throw new Error('the session was not read');
for (let call = 0; call < warmUpCalls; call += 1) {
  await readSession();
  await senders.usual(read);
  await senders.ours(read);
}
const [first] = await startSignIns(1);
if (first === undefined) throw new Error('no sign-in');
await finishSignIn(first);
const stored = (await ask({ ask: 'passed' })).passed ?? [];
for (const returned of await startSignIns(warmUpCalls / 10)) await finishSignIn(returned);
for (const send of [senders.usual, senders.ours]) {
  for (const code of await startParts(warmUpCalls / 10)) await finishParts(send, stored)(code);
}

type Jobs = Readonly<Record<string, () => Promise<number>>>;
const reads: Jobs = {
  session: () => measure(times(plan.calls), readSession),
  'one read, the SDK by itself': () => measure(times(plan.calls), () => senders.usual(read)),
  'one read, our client': () => measure(times(plan.calls), () => senders.ours(read)),
};
const callbacks: Jobs = {
  callback: async () => measure(await startSignIns(signIns), finishSignIn),
  'its parts, the SDK by itself': async () =>
    measure(await startParts(signIns), finishParts(senders.usual, stored)),
  'its parts, our client': async () => measure(await startParts(signIns), finishParts(senders.ours, stored)),
};
// One after the other, for the two functions never share a process.
for (const jobs of [reads, callbacks]) {
  for (let round = 0; round < plan.rounds; round += 1) {
    const cpu: Record<string, number> = {};
    // In an order of chance: what a job leaves behind, such as garbage, is paid for by the next one.
    const inTurn = Object.entries(jobs).map(([name, job]) => ({ name, job, at: Math.random() }));
    for (const { name, job } of inTurn.toSorted((left, right) => left.at - right.at)) cpu[name] = await job();
    await ask({ ask: 'noted', cpu });
  }
}
process.send?.({ ask: 'done' } satisfies Asked);
// Whoever asked is gone, so there is nothing left to do.
process.on('disconnect', () => process.exit());
