/** Sessions of invented people, for the tests of the session module. */
import type { AttributeValue, CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import {
  Secret,
  type EpochMilliseconds,
  type EpochSeconds,
  type HealthcareWorker,
  type Role,
  type SignInTokens,
} from '../../lambdas/common/index.ts';
import { identifierHash } from '../../lambdas/session/identifiers.ts';
import type { NewSession, SessionCredential, SignInStore } from '../../lambdas/session/index.ts';

export type Item = Record<string, AttributeValue>;

/** The key under which the table has users and CIS2's sessions, which every test that makes sessions uses. */
export const identifierKey = new Secret(
  Buffer.from('a-key-of-the-identifiers-for-tests-of-64-characters-and-no-other'),
);
/** What the stores that find sessions by whose they are need of it. */
export const identified = { identifierKey: () => Promise.resolve(identifierKey) };
/** How the table has a user, a CIS2 session or a logout token. */
export const hashOf = (
  kind: 'user' | 'provider-session' | 'logout-token',
  parts: readonly string[],
): string => identifierHash(identifierKey, kind, parts);

export const tableName = 'sessions';
export const limits = { idleSeconds: 900, absoluteSeconds: 43_200 };
/** When every test begins, in seconds since the epoch. */
export const start = 1_800_000_000;

export const sessionTable: CreateTableCommandInput = {
  TableName: tableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
};

const role = (roleId: string): Role => ({
  roleId,
  roleCode: 'S8000:G8000:R8000',
  jobRoleCode: 'R8000',
  roleName: 'Clinical Practitioner Access Role',
  orgCode: 'A9A5A',
  orgName: 'EXAMPLE HEALTH CENTRE',
  activityCodes: ['B0420'],
  workgroupCodes: [],
});

export const worker: HealthcareWorker = {
  user: {
    uid: '900000000001',
    name: 'Odalys Fernsby',
    givenName: 'Odalys',
    familyName: 'Fernsby',
    title: 'Dr',
  },
  assurance: {
    authentication: 3,
    identity: 3,
    methods: ['N3_SMARTCARD'],
    authenticatedAt: (start - 5) as EpochSeconds,
  },
  roles: [role('900000000701'), role('900000000702')],
};

/** What CIS2 issued for them, long enough alive for most tests. */
export const signInTokens: SignInTokens = {
  idToken: new Secret('the-id-token'),
  idTokenExpiresAt: (start + 3_600) as EpochSeconds,
  accessToken: new Secret('the-access-token-of-cis2'),
  accessTokenExpiresAt: (start + 3_600) as EpochSeconds,
};

/** A sign-in of that person in the first role. */
export const newSession = (begunAt: number, changes: Partial<NewSession> = {}): NewSession => ({
  worker,
  roleId: '900000000701',
  tokens: signInTokens,
  device: 'Chrome on Windows',
  user: ['https://am.example.nhs.uk:443/realm', worker.user.uid],
  providerSession: undefined,
  begunAt: begunAt as EpochMilliseconds,
  replaces: undefined,
  sessionsPerUser: 20,
  reportOthers: false,
  ...changes,
});

/** Makes a session, where no logout refuses it. */
export async function signIn(store: SignInStore, session: NewSession): Promise<SessionCredential> {
  const created = await store.create(session, new AbortController().signal);
  if (created === 'provider_logout') throw new Error('refused');
  return created.credential;
}
