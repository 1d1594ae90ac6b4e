import type { Arguments, Context } from '../command.ts';
import { CommandFailed } from '../errors.ts';
import { accepted, listOf, number, object, optional, text } from '../responses.ts';

const session = object({
  /** Names the session; of no use as a cookie. */
  handle: text,
  signedInAt: text,
  lastActiveAt: text,
  device: text,
});
const userSessions = object({ person: text, sessions: listOf(session) });
export type UserSessions = ReturnType<typeof userSessions>;

const endedSessions = object({ person: text, ended: number });
const endedSome = object({ ended: number, begunBy: number, cursor: optional(text) });

/** The sessions of an installation, through the function operator-sessions. */
export interface SessionService {
  readonly label: string;
  list(uid: string): Promise<UserSessions>;
  /** @returns how many live sessions were ended */
  endOfUser(uid: string): Promise<ReturnType<typeof endedSessions>>;
  /**
   * Ends the sessions of all users, in several calls.
   *
   * @param onTurn - called after each with how many live sessions have been ended so far
   * @returns how many live sessions were ended
   */
  endOfEverybody(onTurn: (ended: number) => void): Promise<number>;
}

/** How often a call is tried, and the pause before the next try, in milliseconds. */
const maxTries = 4;
const pauseMs = 2_000;

export async function openSessions(
  { target }: Pick<Arguments, 'target'>,
  { open, clock }: Pick<Context, 'open' | 'clock'>,
): Promise<SessionService> {
  const installation = await open(target);
  const functionName = installation.output('OperatorSessionsFunction');
  // Ending an ended session does nothing, so a call may be sent again.
  const invoke = (event: object): Promise<unknown> =>
    installation.invoke(functionName, event, { changes: false });

  const turn = async (event: object, triesLeft = maxTries): Promise<ReturnType<typeof endedSome>> => {
    try {
      return accepted(endedSome)(await invoke(event));
    } catch (error) {
      const mayPass = error instanceof CommandFailed && error.code === 'store_unavailable';
      if (!mayPass || triesLeft <= 1) throw error;
      await clock.sleep(pauseMs);
      return turn(event, triesLeft - 1);
    }
  };

  return {
    label: installation.label,
    list: async (uid) => accepted(userSessions)(await invoke({ operation: 'list', uid })),
    endOfUser: async (uid) => accepted(endedSessions)(await invoke({ operation: 'end', uid })),
    endOfEverybody: async (onTurn) => {
      let { ended, begunBy, cursor } = await turn({ operation: 'end-all' });
      let all = ended;
      while (cursor !== undefined) {
        onTurn(all);
        ({ ended, begunBy, cursor } = await turn({ operation: 'end-all', begunBy, cursor }));
        all += ended;
      }
      return all;
    },
  };
}
