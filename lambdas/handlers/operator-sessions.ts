import {
  asEpochSeconds,
  BffError,
  isObject,
  isUid,
  toRfc3339,
  type Clock,
  type EpochSeconds,
} from '../common/index.ts';
import type { OperatorStore } from '../session/index.ts';
import { logFailure, type Logger } from '../telemetry/index.ts';
import type { Refusal } from './rotate-signing-keys.ts';

export interface OperatorSessionsDependencies {
  readonly sessions: OperatorStore;
  /** CIS2's issuer: it identifies a user together with their uid. */
  readonly issuer: string;
  readonly clock: Clock;
  readonly log: Logger;
}

type OperatorRequest =
  | { readonly operation: 'list' | 'end'; readonly uid: string }
  /** `begunBy` and `cursor` are those of the response before. */
  | { readonly operation: 'end-all'; readonly begunBy?: EpochSeconds; readonly cursor?: string };

/** Time limit of one `end-all` call, in milliseconds; it then returns a cursor. */
const maxCallMs = 15_000;

/** For operators: lists a user's live sessions, and ends theirs or everybody's as `revoked`. It has no route. */
export const operatorSessions =
  ({ sessions, issuer, clock, log }: OperatorSessionsDependencies) =>
  async (event: unknown): Promise<object> => {
    const request = readRequest(event);
    if (request === undefined) {
      return refusal(
        'invalid_request',
        'The event is {"operation":"list"|"end","uid"} or {"operation":"end-all"}.',
      );
    }
    try {
      if (request.operation === 'end-all') {
        const begunBy = request.begunBy ?? clock();
        const { ended, cursor } = await sessions.endOfEverybody(begunBy, request.cursor, maxCallMs);
        log('sessions_ended_by_operator', { reason: 'revoked', count: ended });
        return { ok: true, ended, begunBy, ...(cursor === undefined ? {} : { cursor }) };
      }
      const user = [issuer, request.uid];
      if (request.operation === 'list') {
        const { person, sessions: listed } = await sessions.list(user);
        return {
          ok: true,
          person,
          sessions: listed.map(({ handle, signedInAt, lastActiveAt, device }) => ({
            handle,
            signedInAt: toRfc3339(signedInAt),
            lastActiveAt: toRfc3339(lastActiveAt),
            device,
          })),
        };
      }
      const { person, ended } = await sessions.endOfUser(user);
      log('sessions_ended_by_operator', { person, reason: 'revoked', count: ended });
      return { ok: true, person, ended };
    } catch (error) {
      logFailure(log, error);
      if (!(error instanceof BffError)) throw unexpected();
      return refusal(
        error.code,
        request.operation === 'list'
          ? 'The sessions could not be read: try again in a minute.'
          : 'The sessions could not be reached, and some may have ended: try again, which is safe.',
      );
    }
  };

/** Lambda logs every thrown error, so its message must hold no data. */
const unexpected = (): Error => new Error('an unexpected error: see the log of this function');

const refusal = (code: string, message: string): Refusal => ({ ok: false, code, message });

/** Undefined for an event with any other member: a misspelt one must not end more sessions than intended. */
function readRequest(event: unknown): OperatorRequest | undefined {
  if (!isObject(event)) return undefined;
  const { operation, ...others } = event;
  if (operation === 'list' || operation === 'end') {
    const { uid, ...unknown } = others;
    return isUid(uid) && Object.keys(unknown).length === 0 ? { operation, uid } : undefined;
  }
  if (operation !== 'end-all') return undefined;
  const { begunBy, cursor, ...unknown } = others;
  if (Object.keys(unknown).length > 0) return undefined;
  if (begunBy === undefined && cursor === undefined) return { operation };
  const instant = asEpochSeconds(begunBy);
  const isCursor = typeof cursor === 'string' && /^\S{1,2000} \S{1,100}$/.test(cursor);
  return instant !== undefined && isCursor ? { operation, begunBy: instant, cursor } : undefined;
}
