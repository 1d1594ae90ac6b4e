/**
 * What this tab knows about the session, kept true: by the clock, by asking the backend, and by the other tabs.
 *
 * Two rules: asking never keeps a session alive, and whenever it is not certain that the person is still signed in,
 * the state holds no person.
 */

import {
  BffError,
  changeRole,
  endSession,
  extendSession,
  listSessions,
  readSession,
  serverNow,
  signOut,
} from './bff.ts';
import type { ActiveSession, EndReason, ListedSession, Session } from './bff.ts';

export type State =
  | { readonly kind: 'checking' }
  | { readonly kind: 'unavailable'; readonly failure: BffError }
  | { readonly kind: 'anonymous' }
  /** `reason` is `null` when the browser no longer holds what would tell it, and `reference` when nobody was asked. */
  | { readonly kind: 'ended'; readonly reason: EndReason | null; readonly reference: string | null }
  | { readonly kind: 'active'; readonly session: ActiveSession; readonly endsSoon: boolean };

export interface SessionWatch {
  /** Asks the backend now. Never rejects: a failure becomes a state. */
  check(): Promise<void>;
  /** "Stay signed in". @throws BffError when the session could not be extended */
  extend(): Promise<void>;
  /** Works in another role from now on. @throws BffError when the role was not changed */
  changeRole(roleId: string): Promise<void>;
  /** Where the person is signed in. @throws BffError when that cannot be told, or they no longer are */
  listSessions(): Promise<readonly ListedSession[]>;
  /** Ends these sessions of the person's. @throws BffError when one of them may still be alive */
  endSessions(handles: readonly string[]): Promise<void>;
  /** Ends the session and leaves the page. @throws BffError when it may still be alive */
  signOut(): Promise<void>;
}

/**
 * How often a visible page asks, in milliseconds: a session can be ended from elsewhere at any time, and whoever takes
 * their smartcard out expects the screen to follow.
 */
const checkEvery = 15_000;
/** The server counts in whole seconds: asked any earlier it might still say "active". */
const graceAtTheEnd = 1_000;

type Message = { type: 'signed-out' } | { type: 'extended' } | { type: 'signed-in'; handle: string };

const asMessage = (data: unknown): Message | null => {
  if (typeof data !== 'object' || data === null || !('type' in data)) return null;
  if (data.type === 'signed-out' || data.type === 'extended') return { type: data.type };
  return data.type === 'signed-in' && 'handle' in data && typeof data.handle === 'string'
    ? { type: 'signed-in', handle: data.handle }
    : null;
};

/**
 * Starts watching.
 *
 * @param onState - called with every new state, and every second while somebody is signed in, for the clocks
 */
export function watchSession(onState: (state: State) => void): SessionWatch {
  let state: State = { kind: 'checking' };
  /** Somebody was signed in here since the page was loaded, so that "nobody" now means "no longer". */
  let wasActive = false;
  let nextCheckAt = Infinity;
  /** Answers count only when no newer question has been asked since. */
  let question = 0;
  let asking = false;
  /** A change to the session is on its way: its answer is the one to believe, and it may bring a new cookie. */
  let isChanging = false;
  let checkIsDue = false;

  const channel = new BroadcastChannel('session');
  const tell = (message: Message): void => {
    channel.postMessage(message);
  };

  const become = (next: State): void => {
    state = next;
    onState(state);
  };

  const endsSoon = (session: ActiveSession): boolean =>
    serverNow(session) >= session.expires.warnAt.getTime();
  const isOver = (session: ActiveSession): boolean =>
    serverNow(session) >= session.expires.at.getTime() + graceAtTheEnd;

  const accept = (session: Session): void => {
    nextCheckAt = Infinity;
    if (session.status === 'active') {
      const isNew = state.kind !== 'active' || state.session.handle !== session.handle;
      nextCheckAt = Date.now() + checkEvery;
      wasActive = true;
      become({ kind: 'active', session, endsSoon: endsSoon(session) });
      if (isNew) tell({ type: 'signed-in', handle: session.handle });
    } else if (session.status === 'ended') {
      wasActive = true;
      become({ kind: 'ended', reason: session.reason, reference: session.reference });
    } else if (state.kind === 'ended') {
      // A sign-out takes the cookie away: the server no longer knows why, this tab does.
      become(state);
    } else {
      become(wasActive ? { kind: 'ended', reason: null, reference: null } : { kind: 'anonymous' });
    }
  };

  const fail = (failure: BffError): void => {
    nextCheckAt = Date.now() + Math.max((failure.retryAfterSeconds ?? 0) * 1_000, checkEvery);
    if (state.kind === 'active' && !isOver(state.session)) {
      become({ ...state, endsSoon: endsSoon(state.session) });
    } else if (state.kind !== 'anonymous' && state.kind !== 'ended') {
      become({ kind: 'unavailable', failure });
    }
  };

  /** The session this page shows; without one, whichever the browser has is the right one. */
  const handle = (): string | null => (state.kind === 'active' ? state.session.handle : null);

  /** Asks, and takes the answer in unless something newer was asked meanwhile. */
  const ask = async (call: () => Promise<Session>): Promise<void> => {
    question += 1;
    const mine = question;
    asking = true;
    try {
      const session = await call();
      if (mine === question) accept(session);
    } finally {
      if (mine === question) asking = false;
    }
  };

  /** Whatever has been asked, its answer no longer counts. */
  const disregard = (): void => {
    question += 1;
    asking = false;
  };

  /** @param shown - the session the answer has to be about */
  const check = async (shown = handle()): Promise<void> => {
    if (isChanging) {
      checkIsDue = true;
      return;
    }
    const mine = question + 1;
    try {
      await ask(() => readSession(shown));
    } catch (error) {
      if (!(error instanceof BffError)) throw error;
      if (mine === question) fail(error);
    }
  };

  let lastChange: Promise<unknown> = Promise.resolve();

  /**
   * Changes the session, and finds out what has become of it where the change was refused or its answer lost. One change
   * at a time: a sign-out that overtook a change of role would end the session's old name, and leave the new one alive.
   */
  const changing = <Result>(change: () => Promise<Result>): Promise<Result> => {
    const result = lastChange.then(() => changeNow(change));
    lastChange = result.catch(() => undefined);
    return result;
  };

  const changeNow = async <Result>(change: () => Promise<Result>): Promise<Result> => {
    isChanging = true;
    checkIsDue = false;
    try {
      return await change();
    } catch (error) {
      isChanging = false;
      // It is another session by now: show that one first, then the caller says so.
      if (error instanceof BffError && error.code === 'session_changed') await check();
      else checkIsDue = true;
      throw error;
    } finally {
      isChanging = false;
      if (checkIsDue) void check();
    }
  };

  /** A question about this session, which may turn out to be over or another one by now: then show that first. */
  const about = async <Result>(question: (shown: string) => Promise<Result>): Promise<Result> => {
    const shown = handle();
    if (shown === null) throw new BffError('session_required');
    try {
      return await question(shown);
    } catch (error) {
      if (error instanceof BffError && error.code.startsWith('session_')) await check();
      throw error;
    }
  };

  const tick = (): void => {
    if (state.kind === 'active') {
      if (isOver(state.session)) {
        become({ kind: 'checking' });
        void check();
        return;
      }
      const warningDue = !state.endsSoon && endsSoon(state.session);
      if (warningDue && !asking) void check();
      onState(state);
    }
    const visible = document.visibilityState === 'visible';
    if (visible && !asking && Date.now() >= nextCheckAt) void check();
  };

  channel.addEventListener('message', (event: MessageEvent<unknown>) => {
    const message = asMessage(event.data);
    if (message === null) return;
    if (message.type === 'signed-out' && wasActive) {
      disregard();
      become({ kind: 'ended', reason: 'signed_out', reference: null });
    }
    if (message.type === 'signed-in' && state.kind === 'active' && state.session.handle === message.handle)
      return;
    // That there is another session is known by now, so it need not be found out by being refused.
    void check(message.type === 'signed-in' ? null : handle());
  });

  // A laptop that wakes up: first what the clock says, so that nobody sees the person, then what the server says.
  const wake = (): void => {
    if (document.visibilityState !== 'visible') return;
    tick();
    if (!asking) void check();
  };
  document.addEventListener('visibilitychange', wake);
  addEventListener('focus', wake);
  // A page that is left may be kept by the browser and shown again later: it is kept empty.
  addEventListener('pagehide', () => {
    disregard();
    become({ kind: 'checking' });
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) void check();
  });

  setInterval(tick, 1_000);

  return {
    check,
    async extend() {
      await changing(() => ask(() => extendSession(handle())));
      tell({ type: 'extended' });
    },
    async changeRole(roleId) {
      await changing(() => ask(() => changeRole(handle(), roleId)));
    },
    listSessions: () => about(listSessions),
    async endSessions(handles) {
      await about((shown) => Promise.all(handles.map((other) => endSession(shown, other))));
    },
    async signOut() {
      const next = await changing(() => signOut(handle()));
      disregard();
      tell({ type: 'signed-out' });
      become({ kind: 'ended', reason: 'signed_out', reference: null });
      // Replaced, so that "back" does not lead to a page of somebody who has left.
      location.replace(next);
    },
  };
}
