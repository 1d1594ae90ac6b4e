/** Whose a session is, as the table has it: hashes under a key that is not in the table. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { createHash } from 'node:crypto';
import { Secret, type EpochMilliseconds, type EpochSeconds } from '../../lambdas/common/index.ts';
import { readSecretText } from '../../lambdas/aws/index.ts';
import { identifierHash, identifierKeyFrom } from '../../lambdas/session/identifiers.ts';
import {
  createLogoutStore,
  createSignInStore,
  IdentifierKeyUnavailable,
} from '../../lambdas/session/index.ts';
import { EmbeddedTable, operationOf, type Command } from '../races/embedded-table.ts';
import { startSecrets } from '../support/secrets.ts';
import {
  identified,
  identifierKey,
  limits,
  newSession,
  sessionTable,
  signIn,
  start,
  tableName,
} from './session-fixtures.ts';

describe('the key of the identifiers', () => {
  let secrets: Awaited<ReturnType<typeof startSecrets>>;
  let reads = 0;
  let failing = false;
  /** Counts what goes to Secrets Manager, and lets it fail. */
  const watched = (): SecretsManagerClient =>
    ({
      send: (command: Parameters<SecretsManagerClient['send']>[0]) => {
        reads += 1;
        if (failing) return Promise.reject(new Error('made to fail'));
        return secrets.client.send(command);
      },
    }) as unknown as SecretsManagerClient;
  const fill = (SecretString: string) =>
    secrets.client.send(new PutSecretValueCommand({ SecretId: secrets.arn, SecretString }));

  beforeAll(async () => {
    secrets = await startSecrets();
  });
  beforeEach(() => {
    reads = 0;
    failing = false;
  });
  afterAll(() => {
    secrets.close();
  });

  test('is refused while there is none, and where it is too short or no plain text', async () => {
    const key = identifierKeyFrom(() => readSecretText(watched(), secrets.arn));
    await expect(key()).rejects.toThrow(IdentifierKeyUnavailable);
    for (const text of ['k'.repeat(42), `${'k'.repeat(50)}\n`, `{"key":"${'k'.repeat(50)}"}`, '{}']) {
      await fill(text);
      const refused = await key().catch((error: unknown) => error);
      expect(refused).toBeInstanceOf(IdentifierKeyUnavailable);
      expect(refused).toMatchObject({ code: 'keys_unavailable' });
      expect((refused as Error).message).not.toContain('kkk');
    }
    await fill('k'.repeat(43));
    expect((await key()).expose().toString()).toBe('k'.repeat(43));
  });

  test('is read once, however many ask at once or later', async () => {
    await fill('a-first-key-of-more-than-the-43-characters-needed');
    const key = identifierKeyFrom(() => readSecretText(watched(), secrets.arn));
    const [one, other] = await Promise.all([key(), key()]);
    await fill('another-key-of-more-than-the-43-characters-needed');
    expect([other, await key()]).toEqual([one, one]);
    expect(reads).toBe(1);
    expect(String(one)).toBe('[redacted]');
  });

  test('is read again by the next who asks when it could not be read', async () => {
    const key = identifierKeyFrom(() => readSecretText(watched(), secrets.arn));
    failing = true;
    await expect(Promise.all([key(), key()])).rejects.toThrow(IdentifierKeyUnavailable);
    expect(reads).toBe(1);
    failing = false;
    await expect(key()).resolves.toBeInstanceOf(Secret);
    expect(reads).toBe(2);
  });
});

describe('without the key of the identifiers', () => {
  test('no attempt is spent in vain, no session made and no logout confirmed', async () => {
    const embedded = new EmbeddedTable(sessionTable);
    const sent: string[] = [];
    const client = {
      send: (command: Command) => {
        sent.push(operationOf(command));
        return embedded.send(command);
      },
    } as unknown as typeof embedded.client;
    const options = {
      ...{ client, tableName, limits, clock: () => start as EpochSeconds },
      identifierKey: () => Promise.reject(new IdentifierKeyUnavailable('away')),
    };
    const inTime = new AbortController().signal;
    const signIns = createSignInStore(options);
    const names = { user: ['issuer', 'user'], providerSession: ['issuer', 'sid'] };
    const begunAt = start as EpochMilliseconds;
    const session = newSession(start, names);
    await expect(signIns.spendAttempt('attempt', 600)).rejects.toThrow(IdentifierKeyUnavailable);
    sent.length = 0;
    await expect(signIns.create(session, inTime)).rejects.toThrow(IdentifierKeyUnavailable);
    const logout = { ...names, tokenId: ['issuer', 'token'], arrivedAt: begunAt };
    await expect(createLogoutStore(options).logOut(logout, inTime)).rejects.toThrow(IdentifierKeyUnavailable);
    expect(sent).toEqual([]);
  });
});

describe('a stolen table [S-13]', () => {
  test('does not say whose its sessions are to who knows every identifier', async () => {
    const embedded = new EmbeddedTable(sessionTable);
    const written: string[] = [];
    const client = {
      send: (command: Command) => {
        written.push(JSON.stringify(command.input));
        return embedded.send(command);
      },
    } as unknown as typeof embedded.client;
    const options = { ...identified, client, tableName, limits, clock: () => start as EpochSeconds };
    const [issuer, user, sid, jti] = [
      'https://am.example.nhs.uk:443/realm',
      '900000000001',
      'the-sid',
      'jti',
    ];
    const inTime = new AbortController().signal;
    const names = { user: [issuer, user], providerSession: [issuer, sid] };
    await signIn(createSignInStore(options), newSession(start, names));
    const logout = { ...names, tokenId: [issuer, jti, user, sid], arrivedAt: start as EpochMilliseconds };
    await createLogoutStore(options).logOut(logout, inTime);

    const everything = written.join();
    const lists = [[user], [sid], [jti], [issuer, user], [issuer, sid], [issuer, jti], logout.tokenId];
    const spellings = lists.flatMap((parts) => [
      ...['', '|', ':', ' ', '\n', '\0', '.', '#', '/'].map((between) => parts.join(between)),
      ...['user', 'provider-session', 'logout-token'].map((kind) => lengthPrefixed([kind, ...parts])),
      lengthPrefixed(parts),
      JSON.stringify(parts),
    ]);
    for (const text of spellings) {
      for (const algorithm of ['sha256', 'sha512', 'sha1', 'md5']) {
        const digest = createHash(algorithm).update(text).digest();
        for (const form of ['base64url', 'base64', 'hex'] as const) {
          expect(everything.includes(digest.toString(form))).toBe(false);
        }
      }
    }
    // They are there all the same, for who has the key.
    expect(everything).toContain(identifierHash(identifierKey, 'user', names.user));
    expect(everything).toContain(identifierHash(identifierKey, 'provider-session', names.providerSession));
    expect(everything).toContain(identifierHash(identifierKey, 'logout-token', logout.tokenId));
    const another = new Secret(Buffer.from('k'.repeat(64)));
    expect(everything).not.toContain(identifierHash(another, 'user', names.user));
  });

  const lengthPrefixed = (parts: readonly string[]): string =>
    parts.map((part) => `${String(Buffer.byteLength(part))}:${part}`).join('');
});
