/**
 * The tokens that a session holds for other services. A refresh token works once, so only the holder of a lease may use
 * it:
 *
 *   core:            generation   which token item counts: the number of the lease it was written under
 *                    fence        the number of the latest lease
 *                    leaseUntil   when that lease is over, in milliseconds
 *                    leaseHolder  whose it is; without one, the service failed and is left in peace until then
 *   token#AUDIENCE:  generation, and the tokens sealed under it
 *
 * The holder writes the item first, unless a later holder has, and then its number into core, unless the session has
 * ended or the lease is another's. An item that core does not know counts for nothing. Where a holder died between the
 * two, the next one finds an item newer than core says, and takes it over: the refresh token before it is spent.
 */
import { randomBytes } from 'node:crypto';
import { BffError, type PreciseClock, type Secret, type SignInTokens } from '../common/index.ts';
import { openIssuedTokens, openSignInTokens, sealIssuedTokens, type IssuedTokens } from './content.ts';
import { all, unlessConditionFails } from './dynamo.ts';
import {
  count,
  format,
  epochSeconds,
  epochMilliseconds,
  number,
  sessionKey,
  text,
  type Item,
  type TokenAudience,
} from './items.ts';
import { alive, lifeOf, ttlOf, type NotActive } from './state.ts';
import { getItem, update, type StoreOptions } from './store.ts';

/** Whose tokens are exchanged and refreshed, by one at a time. */
export type LeasedAudience = Exclude<TokenAudience, 'cis2'>;

/** The session ended while something was done for it. `state` says why, where the table still knows. */
export class SessionGone extends BffError {
  override readonly name = 'SessionGone';
  readonly code = 'session_ended';
  readonly state: NotActive;

  constructor(state: NotActive) {
    super('the session is over');
    this.state = state;
  }
}

/** What a session holds for a service at a moment. */
export interface TokenView {
  /** Grows with every change; 0 when there has never been one. */
  readonly generation: number;
  /** The tokens that count. */
  readonly tokens: IssuedTokens | undefined;
  /** How long the service is left in peace because it failed just now, in milliseconds; 0 when it is not. */
  readonly restMs: number;
}

/**
 * The right to change a session's tokens for a service. What changes them gives true when the change counts; false when the
 * session has ended or the lease has passed to another, and then nothing has changed. Each of them gives the lease back.
 *
 * @throws StoreUnavailable from every method but `release`
 */
export interface TokenLease {
  /** The newest tokens there are, whether or not they count yet. */
  readonly held: { readonly generation: number; readonly tokens: IssuedTokens } | undefined;
  /** The same, looked up again. */
  again(): Promise<TokenLease['held']>;
  /** Makes newer tokens count that an earlier holder wrote, and did not live to say so. */
  adopt(generation: number): Promise<boolean>;
  /** Makes these count. @returns their generation, or false */
  store(tokens: IssuedTokens): Promise<number | false>;
  /** Makes none count. */
  drop(): Promise<boolean>;
  /** Gives the lease back, and lets the service rest for so many milliseconds. What fails of it ends with the lease. */
  release(restMs?: number): Promise<void>;
}

/** A session's tokens. The key that opens them lives in here, and only as long as the request. */
export interface SessionTokens {
  /** Names the session within an instance; of no use as a cookie. */
  readonly session: string;
  /** What CIS2 issued at the sign-in; undefined when the session has nothing of it. @throws StoreUnavailable */
  signIn(): Promise<SignInTokens | undefined>;
  /** What was read when the session was opened; nothing, for a service that was not asked for then. */
  seen(audience: LeasedAudience): TokenView;
  /** @throws StoreUnavailable, SessionGone */
  read(audience: LeasedAudience): Promise<TokenView>;
  /**
   * Takes the lease where it is free and the tokens are still of this generation; undefined otherwise.
   *
   * @throws StoreUnavailable
   */
  lease(audience: LeasedAudience, generation: number): Promise<TokenLease | undefined>;
}

/** How long a lease lasts, in milliseconds: longer than a token call may take, shorter than a function may run. */
export const leaseMs = 12_000;

export interface TokenOptions extends StoreOptions {
  readonly preciseClock: PreciseClock;
}

type LeaseAttribute = 'generation' | 'fence' | 'leaseUntil' | 'leaseHolder';
const attribute = (audience: LeasedAudience, name: LeaseAttribute): string => `${audience}#${name}`;
const namesOf = (audience: LeasedAudience, ...names: readonly LeaseAttribute[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [`#${name}`, attribute(audience, name)]));

/** @param opened - what was read as the session was opened: its core, and an item of its tokens */
export function sessionTokens(
  options: TokenOptions,
  key: string,
  dataKey: Secret<Buffer>,
  opened: {
    readonly core: Item;
    readonly audience: TokenAudience | undefined;
    readonly item: Item | undefined;
  },
): SessionTokens {
  const itemOf = (audience: TokenAudience) => getItem(options, sessionKey(key, `token#${audience}`));

  const issued = (audience: LeasedAudience, item: Item | undefined): TokenLease['held'] => {
    const generation = count(item?.['generation']);
    const tokens = openIssuedTokens(key, dataKey, audience, generation, item?.['sealed']?.B);
    return tokens && { generation, tokens };
  };

  const viewOf = (audience: LeasedAudience, core: Item, item: Item | undefined): TokenView => {
    const generation = count(core[attribute(audience, 'generation')]);
    const found = issued(audience, item);
    const until = epochMilliseconds(core[attribute(audience, 'leaseUntil')]) ?? 0;
    const resting = text(core[attribute(audience, 'leaseHolder')]) === undefined;
    return {
      generation,
      tokens: found?.generation === generation ? found.tokens : undefined,
      restMs: resting ? Math.max(0, until - options.preciseClock()) : 0,
    };
  };

  const updateCore = (
    audience: LeasedAudience,
    expression: string,
    fence: number,
    { names = [], values = {} }: { names?: readonly LeaseAttribute[]; values?: Item },
  ): Promise<boolean> => {
    const condition = alive(options, options.clock());
    return unlessConditionFails(
      update(options, sessionKey(key, 'core'), {
        UpdateExpression: expression,
        ConditionExpression: `${condition.expression} AND #fence = :fence`,
        ExpressionAttributeNames: {
          ...condition.names,
          ...namesOf(audience, 'fence', 'leaseUntil', 'leaseHolder', ...names),
        },
        ExpressionAttributeValues: { ...condition.values, ...values, ':fence': number(fence) },
      }),
    ).then((written) => written !== undefined);
  };

  const leaseOf = (audience: LeasedAudience, core: Item, held: TokenLease['held']): TokenLease => {
    const fence = count(core[attribute(audience, 'fence')]);
    const counting = count(core[attribute(audience, 'generation')]);
    /** What is older than core says was dropped. */
    const current = (found: TokenLease['held']) =>
      found !== undefined && found.generation >= counting ? found : undefined;
    const makeCount = (generation: number) =>
      updateCore(audience, 'SET #generation = :generation REMOVE #leaseUntil, #leaseHolder', fence, {
        names: ['generation'],
        values: { ':generation': number(generation) },
      });
    return {
      held: current(held),
      again: async () => current(issued(audience, await itemOf(audience))),
      adopt: makeCount,
      store: async (tokens) => {
        const sealed = sealIssuedTokens(key, dataKey, audience, fence, tokens);
        const signedInAt = epochSeconds(core['signedInAt']) ?? options.clock();
        const written = await unlessConditionFails(
          update(options, sessionKey(key, `token#${audience}`), {
            UpdateExpression: 'SET #generation = :fence, #sealed = :sealed, #format = :format, #ttl = :ttl',
            // The SDK may send it again when the answer was lost.
            ConditionExpression:
              'attribute_not_exists(#generation) OR #generation < :fence OR #sealed = :sealed',
            ExpressionAttributeNames: {
              '#generation': 'generation',
              '#sealed': 'sealed',
              '#format': 'format',
              '#ttl': 'ttl',
            },
            ExpressionAttributeValues: {
              ':fence': number(fence),
              ':sealed': { B: sealed },
              ':format': number(format),
              ':ttl': number(ttlOf(options, signedInAt)),
            },
          }),
        );
        return written !== undefined && (await makeCount(fence)) ? fence : false;
      },
      drop: () => makeCount(fence),
      release: async (restMs = 0) => {
        const released =
          restMs === 0
            ? updateCore(audience, 'REMOVE #leaseUntil, #leaseHolder', fence, {})
            : updateCore(audience, 'SET #leaseUntil = :until REMOVE #leaseHolder', fence, {
                values: { ':until': number(options.preciseClock() + restMs) },
              });
        await released.catch(() => undefined);
      },
    };
  };

  return {
    session: key,
    signIn: async () => {
      const item = opened.audience === 'cis2' ? opened.item : await itemOf('cis2');
      return openSignInTokens(key, dataKey, item?.['sealed']?.B);
    },
    seen: (audience) => viewOf(audience, opened.core, opened.audience === audience ? opened.item : undefined),
    read: async (audience) => {
      const [core, item] = await all([getItem(options, sessionKey(key, 'core')), itemOf(audience)]);
      if (core === undefined) throw new SessionGone({ status: 'unknown' });
      const life = lifeOf(options, core);
      if (life === undefined) throw new SessionGone({ status: 'unknown', unreadable: 'core' });
      if ('reason' in life) throw new SessionGone({ status: 'ended', reason: life.reason });
      return viewOf(audience, core, item);
    },
    lease: async (audience, generation) => {
      const condition = alive(options, options.clock());
      const now = options.preciseClock();
      const taken = await unlessConditionFails(
        update(options, sessionKey(key, 'core'), {
          UpdateExpression:
            'SET #fence = if_not_exists(#fence, :none) + :one, #leaseUntil = :until, #leaseHolder = :holder',
          ConditionExpression: [
            condition.expression,
            // The SDK may send it again when the answer was lost.
            '(attribute_not_exists(#leaseUntil) OR #leaseUntil <= :at OR #leaseHolder = :holder)',
            generation === 0 ? 'attribute_not_exists(#generation)' : '#generation = :generation',
          ].join(' AND '),
          ExpressionAttributeNames: {
            ...condition.names,
            ...namesOf(audience, 'generation', 'fence', 'leaseUntil', 'leaseHolder'),
          },
          ExpressionAttributeValues: {
            ...condition.values,
            ':none': number(0),
            ':one': number(1),
            ':at': number(now),
            ':until': number(now + leaseMs),
            ':holder': { S: randomBytes(9).toString('base64url') },
            ...(generation === 0 ? {} : { ':generation': number(generation) }),
          },
          ReturnValues: 'ALL_NEW',
        }),
      );
      if (taken === undefined) return undefined;
      const core = taken.Attributes ?? {};
      try {
        return leaseOf(audience, core, issued(audience, await itemOf(audience)));
      } catch (error) {
        await leaseOf(audience, core, undefined).release();
        throw error;
      }
    },
  };
}
