/**
 * The table's items.
 *
 * | pk                        | sk         | what                                                                  |
 * |---------------------------|------------|-----------------------------------------------------------------------|
 * | `session#KEY`             | `core`     | state, times, handle, device name, hashes; the data key, wrapped; the chosen role, sealed; both bound to what never changes in the item; the connection that is notified of its end |
 * | `session#KEY`             | `profile`  | who the person is and every role, deflated and sealed                 |
 * | `session#KEY`             | `token#cis2` | what CIS2 issued at the sign-in, sealed                             |
 * | `session#KEY`             | `token#AUDIENCE` | the user's tokens for another service, sealed; the lease on them |
 * | `user#HASH`               | `sessions` | which sessions a user has: one attribute each; end marks              |
 * | `provider-session#HASH`   | `sessions` | which sessions one CIS2 session has: one attribute each; an end mark  |
 * | `attempt#ID`              | `spent`    | a sign-in attempt that came back                                      |
 * | `logout-token#HASH`       | `seen`     | a logout token of CIS2, and when it first arrived                     |
 *
 * Only `core` decides whether a session lives. Everything personal is sealed under the session's data key, which only
 * the secret in the browser's cookie can unwrap; the end of a session deletes that key, so that the remaining items
 * cannot be opened. The HASH of a user, a CIS2 session or a logout token is keyed (`identifiers.ts`). `ttl` lets DynamoDB
 * delete expired items; no rule depends on it.
 */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import {
  asEpochSeconds,
  asEpochMilliseconds,
  type EpochSeconds,
  type EpochMilliseconds,
  type Secret,
  sha256,
} from '../common/index.ts';

export type Item = Record<string, AttributeValue>;

/** The format of this release. It is in every item and part of the context of every seal. */
export const format = 2;

/** The services whose tokens a session can hold: CIS2, and those whose tokens are exchanged. */
export type TokenAudience = 'cis2' | 'api-platform';

/** An item of a session, by its sort key. */
export type SessionItem = 'core' | 'profile' | `token#${TokenAudience}`;

export const sessionKey = (key: string, item: SessionItem): Item => ({
  pk: { S: `session#${key}` },
  sk: { S: item },
});
export const userIndexKey = (userHash: string): Item => ({
  pk: { S: `user#${userHash}` },
  sk: { S: 'sessions' },
});
export const providerSessionIndexKey = (providerSessionHash: string): Item => ({
  pk: { S: `provider-session#${providerSessionHash}` },
  sk: { S: 'sessions' },
});
export const attemptKey = (attemptId: string): Item => ({
  pk: { S: `attempt#${attemptId}` },
  sk: { S: 'spent' },
});
export const logoutTokenKey = (tokenHash: string): Item => ({
  pk: { S: `logout-token#${tokenHash}` },
  sk: { S: 'seen' },
});

export const readString = (attribute: AttributeValue | undefined): string | undefined => attribute?.S;
export const readEpochSeconds = (attribute: AttributeValue | undefined): EpochSeconds | undefined =>
  attribute?.N === undefined ? undefined : asEpochSeconds(Number(attribute.N));
/** A whole number of at least one: a duration in seconds, or a count. */
export const readPositive = (attribute: AttributeValue | undefined): number | undefined =>
  /^[1-9]\d{0,8}$/.test(attribute?.N ?? '') ? Number(attribute?.N) : undefined;
/** A count; 0 if the attribute is absent. */
export const readCount = (attribute: AttributeValue | undefined): number => readPositive(attribute) ?? 0;
export const numberAttribute = (value: number): AttributeValue => ({ N: String(value) });

/** A time to the millisecond. */
export const readEpochMilliseconds = (
  attribute: AttributeValue | undefined,
): EpochMilliseconds | undefined =>
  attribute?.N === undefined ? undefined : asEpochMilliseconds(Number(attribute.N));

export const secretHash = (secret: Secret<Buffer>): string => sha256(secret.expose());
