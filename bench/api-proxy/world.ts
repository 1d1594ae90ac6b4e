/** What the proxy leans on, in a process of its own: the store, the secrets, CIS2's keys, the API platform, signed-in people. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { exportJWK, SignJWT } from 'jose';
import { after, preciseClock, Secret, systemClock } from '../../lambdas/common/index.ts';
import { createSignInStore } from '../../lambdas/session/index.ts';
import { startApiPlatformSimulator } from '../../local/api-platform-simulator/index.ts';
import { createTables, startDynamoDb } from '../../local/aws/dynamodb.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { edgeHeaders } from './messages.ts';
import type { Counters, Question, World } from './messages.ts';

const { upstream } = JSON.parse(process.argv[2] ?? '') as { upstream: string };

const region = 'eu-west-2';
const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
const table = 'sessions';
const application = { apiKey: 'bench-key', apiSecret: 'bench-secret' };

/** A key of 4,096 bits for our assertions, as a deployment has; CIS2's needs no more than 2,048. */
const keyPair = async (kid: string, bits: number) => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { kid, privateKey, privateJwk: await exportJWK(privateKey), publicJwk: await exportJWK(publicKey) };
};
const ours = await keyPair('ours', 4096);
const next = await keyPair('next', 2048);
const theirs = await keyPair('theirs', 2048);

/** CIS2's discovery document and keys, and our own key set. */
const documents = createServer((request, response) => {
  const responses: Record<string, object> = {
    '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
    '/keys': { keys: [{ ...theirs.publicJwk, kid: theirs.kid }] },
    '/ours': { keys: [{ ...ours.publicJwk, kid: ours.kid }] },
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(responses[request.url ?? ''] ?? {}));
});
await new Promise<void>((resolve) => documents.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${String((documents.address() as AddressInfo).port)}`;

const platform = await startApiPlatformSimulator({
  applications: [{ ...application, jwksUri: `${issuer}/ours` }],
  issuer,
});
const store = await startDynamoDb();
await createTables(store.url, region, [
  {
    TableName: table,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  },
]);

const secrets = await startSecretsManager({ region, account: '000000000000' });
const manager = new SecretsManagerClient({ endpoint: secrets.url, region, credentials });
const makeSecret = async (Name: string, value: object | string): Promise<string> => {
  const { ARN } = await manager.send(new CreateSecretCommand({ Name }));
  await manager.send(
    new PutSecretValueCommand({
      SecretId: ARN,
      SecretString: typeof value === 'string' ? value : JSON.stringify(value),
    }),
  );
  return ARN ?? '';
};
const now = systemClock();
const ringKey = (
  { kid, privateJwk, publicJwk }: typeof ours,
  place: string,
  signingSince: number | null,
) => ({
  ...{ kid, place, createdAt: now, signingSince },
  publicJwk: { ...publicJwk, kid, use: 'sig', alg: 'RS512' },
  privateJwk: { ...privateJwk, kid },
});
const keys = await makeSecret('keys', {
  format: 1,
  keys: [ringKey(ours, 'current', now), ringKey(next, 'next', null)],
});
const applicationSecret = await makeSecret('application', application);

const edgeSecret = await makeSecret('edge', edgeHeaders['x-cis2-bff-edge']);
const identifierKey = randomBytes(32).toString('base64url');
const identifierSecret = await makeSecret('identifier-key', identifierKey);
const signIns = createSignInStore({
  client: new DynamoDBClient({ endpoint: store.url, region, credentials }),
  tableName: table,
  limits: { idleSeconds: 900, absoluteSeconds: 43_200 },
  clock: systemClock,
  identifierKey: () => Promise.resolve(new Secret(Buffer.from(identifierKey))),
});

/** Signs an invented person in. @returns the cookie of their session */
async function signIn(index: number): Promise<string> {
  const signedInAt = systemClock();
  const uid = String(900_000_000_000 + index);
  const expiresAt = after(signedInAt, 3_600);
  const idToken = await new SignJWT({ sub: uid, authentication_assurance_level: '3', jti: randomUUID() })
    .setProtectedHeader({ alg: 'RS256', kid: theirs.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience('bench')
    .setIssuedAt()
    .setExpirationTime(expiresAt)
    .sign(theirs.privateKey);
  const created = await signIns.create(
    {
      worker: {
        user: { uid, name: 'Odalys Fernsby', givenName: 'Odalys', familyName: 'Fernsby', title: 'Dr' },
        assurance: {
          ...{ authentication: 3, identity: 3, methods: ['N3_SMARTCARD'], authenticatedAt: signedInAt },
        },
        roles: [
          {
            ...{ roleId: '900000000701', roleCode: 'S8000:G8000:R8000', jobRoleCode: 'R8000' },
            ...{ roleName: 'Clinical Practitioner Access Role', orgCode: 'A9A5A', orgName: 'EXAMPLE' },
            ...{ activityCodes: ['B0420'], workgroupCodes: [] },
          },
        ],
      },
      roleId: '900000000701',
      tokens: {
        idToken: new Secret(idToken),
        idTokenExpiresAt: expiresAt,
        accessToken: new Secret('an-access-token-of-cis2'),
        accessTokenExpiresAt: expiresAt,
      },
      device: 'Bench',
      user: [issuer, uid],
      providerSession: undefined,
      begunAt: preciseClock(),
      replaces: undefined,
      sessionsPerUser: 20,
      reportOthers: false,
    },
    AbortSignal.timeout(5_000),
  );
  if (created === 'provider_logout') throw new Error('nobody logged out');
  return `__Host-Http-session=${created.credential.cookie.expose()}`;
}

/**
 * A store that does no work: the embedded store's response to the first of several like calls is given to the others too, for a
 * while. What the proxy costs without the emulation's price can be seen behind it.
 */
async function startReplayingStore(): Promise<string> {
  interface Stored {
    readonly until: number;
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body: Buffer;
  }
  const responses = new Map<string, Stored>();
  const keptMs = 20_000;
  const ask = async (headers: IncomingHttpHeaders, body: Buffer): Promise<Stored> => {
    const passed = Object.entries(headers).flatMap(([name, value]) =>
      typeof value !== 'string' || /^(?:connection|content-length|host)$/.test(name) ? [] : [[name, value]],
    );
    const result = await fetch(store.url, {
      method: 'POST',
      headers: Object.fromEntries(passed) as Record<string, string>,
      body: new Uint8Array(body),
    });
    return {
      until: performance.now() + keptMs,
      status: result.status,
      headers: Object.fromEntries(
        ['content-type', 'x-amz-crc32'].map((name) => [name, result.headers.get(name) ?? '']),
      ),
      body: Buffer.from(await result.arrayBuffer()),
    };
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const body = Buffer.concat(chunks);
        const { Key, UpdateExpression } = JSON.parse(body.toString()) as Record<string, unknown>;
        const like = JSON.stringify([request.headers['x-amz-target'], Key, UpdateExpression]);
        let result = responses.get(like);
        if (result === undefined || result.until < performance.now()) {
          result = await ask(request.headers, body);
          responses.set(like, result);
        }
        response.writeHead(result.status, { ...result.headers, 'content-length': result.body.length });
        response.end(result.body);
      })();
    });
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const world: World = {
  upstream,
  environment: {
    ...{ AWS_REGION: region, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    ...{ AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url, LOG_LEVEL: 'info', WARM_UP: 'on' },
    ...{ SESSION_TABLE: table, IDLE_SECONDS: '900', ABSOLUTE_SECONDS: '43200', CALLS_PER_WINDOW: '100000' },
    ...{ BASE_URL: 'https://app.example.nhs.uk', CIS2_ACR: 'AAL3_ANY', MINIMUM_AAL: '3' },
    ...{ ACCEPTED_ROLES: 'optional', UPSTREAMS: JSON.stringify({ pds: upstream }), KEY_CACHE_SECONDS: '60' },
    ...{ API_PLATFORM_TOKEN_URL: platform.tokenUrl, API_PLATFORM_KEYS_SECRET: keys },
    ...{ API_PLATFORM_CREDENTIALS_SECRET: applicationSecret, IDENTIFIER_KEY_SECRET: identifierSecret },
    EDGE_SECRET: edgeSecret,
  },
  stores: { embedded: store.url, replaying: await startReplayingStore() },
};

let people = 0;
async function respond(question: Question): Promise<string[] | string | Counters> {
  switch (question.ask) {
    case 'sessions': {
      const cookies: string[] = [];
      for (let count = 0; count < question.count; count += 1) cookies.push(await signIn((people += 1)));
      return cookies;
    }
    case 'token-life':
      return platform.controlPanel.commands['tokens']?.({ accessSeconds: question.seconds }) ?? '';
    case 'counters':
      return (platform.controlPanel.state as { counters: Counters }).counters;
  }
}
process.on('message', (question) => {
  void respond(question as Question).then((responded) => process.send?.(responded));
});
process.send?.(world);
// Whoever measures is gone, so there is nothing left to do.
process.on('disconnect', () => process.exit());
