/** What the proxy leans on, in a process of its own: the store, the secrets, CIS2's keys, the API platform, signed-in people. */
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { exportJWK, SignJWT } from 'jose';
import { cis2Issuers } from '../../infra/parts/settings.ts';
import { after, preciseClock, Secret, systemClock } from '../../lambdas/common/index.ts';
import { createSignInStore } from '../../lambdas/session/index.ts';
import { startApiPlatformSimulator } from '../../local/api-platform-simulator/index.ts';
import { createTables, startDynamoDb } from '../../local/aws/dynamodb.ts';
import { startSecretsManager } from '../../local/aws/secrets-manager.ts';
import { createLoopbackServer, listenOnLoopback } from '../../local/loopback-server.ts';
import { settingsOf } from '../support/functions.ts';
import { startReplayingStore } from '../support/replaying-store.ts';
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
const documents = createLoopbackServer((request, response) => {
  const responses: Record<string, object> = {
    '/.well-known/openid-configuration': { issuer, jwks_uri: `${issuer}/keys` },
    '/keys': { keys: [{ ...theirs.publicJwk, kid: theirs.kid }] },
    '/ours': { keys: [{ ...ours.publicJwk, kid: ours.kid }] },
  };
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(responses[request.url ?? ''] ?? {}));
});
const issuer = `http://127.0.0.1:${String(await listenOnLoopback(documents))}`;

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
 * Like calls get the embedded store's response to the first of them, for a while: shows the proxy without the emulation's cost. An
 * update is like another one whose values differ, such as the time.
 */
const replaying = await startReplayingStore(store.url, {
  keyOf: ({ operation, body }) => {
    const { Key, UpdateExpression } = JSON.parse(body) as Record<string, unknown>;
    return operation + (UpdateExpression === undefined ? body : JSON.stringify([Key, UpdateExpression]));
  },
  mayReplay: ({ ageMs }) => ageMs < 20_000,
});

const world: World = {
  upstream,
  environment: {
    ...settingsOf({ issuer: cis2Issuers.integration, logLevel: 'info', warmUp: true }),
    ...{ AWS_REGION: region, AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
    ...{ AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url, SESSION_TABLE: table, CALLS_PER_WINDOW: '100000' },
    ...{ ACCEPTED_ROLES: 'optional', UPSTREAMS: JSON.stringify({ pds: upstream }), KEY_CACHE_SECONDS: '60' },
    ...{ API_PLATFORM_TOKEN_URL: platform.tokenUrl, API_PLATFORM_KEYS_SECRET: keys },
    ...{ API_PLATFORM_CREDENTIALS_SECRET: applicationSecret, IDENTIFIER_KEY_SECRET: identifierSecret },
    EDGE_SECRET: edgeSecret,
  },
  stores: { embedded: store.url, replaying: replaying.url },
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
