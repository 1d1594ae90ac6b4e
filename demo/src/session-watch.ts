/**
 * What this tab knows about the session, kept true: by the clock, by asking the backend, and by the other tabs.
 *
 * Two rules: asking never keeps a session alive, and whenever it is not certain that the person is still signed in,
 * the state holds no person.
 */

import { BffError, extendSession, readSession, serverNow, signOut } from './bff.ts';
import type { ActiveSession, EndReason, Session } from './bff.ts';

export type State =
  | { readonly kind: 'checking' }
  | { readonly kind: 'unavailable'; readonly failure: BffError }
  | { readonly kind: 'anonymous' }
  /** `reason` is `null` when the browser no longer holds what would tell it. */
  | { readonly kind: 'ended'; readonly reason: EndReason | null }
  | { readonly kind: 'active'; readonly session: ActiveSession; readonly endsSoon: boolean };

export interface SessionWatch {
  /** Asks the backend now. Never rejects: a failure becomes a state. */
  check(): Promise<void>;
  /** "Stay signed in". @throws BffError when the session could not be extended */
  extend(): Promise<void>;
  /** Ends the session and leaves the page. @throws BffError when it may still be alive */
  signOut(): Promise<void>;
}

/** How often a visible page asks, in milliseconds: a session can be ended from elsewhere at any time. */
const checkEvery = 60_000;
const checkEveryNearTheEnd = 15_000;
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
      const soon = endsSoon(session);
      nextCheckAt = Date.now() + (soon ? checkEveryNearTheEnd : checkEvery);
      wasActive = true;
      become({ kind: 'active', session, endsSoon: soon });
      if (isNew) tell({ type: 'signed-in', handle: session.handle });
    } else if (session.status === 'ended') {
      wasActive = true;
      become({ kind: 'ended', reason: session.reason });
    } else if (state.kind === 'ended') {
      // A sign-out takes the cookie away: the server no longer knows why, this tab does.
      become(state);
    } else {
      become(wasActive ? { kind: 'ended', reason: null } : { kind: 'anonymous' });
    }
  };

  const fail = (failure: BffError): void => {
    nextCheckAt = Date.now() + Math.max((failure.retryAfterSeconds ?? 0) * 1_000, checkEveryNearTheEnd);
    if (state.kind === 'active' && !isOver(state.session)) {
      become({ ...state, endsSoon: endsSoon(state.session) });
    } else if (state.kind !== 'anonymous' && state.kind !== 'ended') {
      become({ kind: 'unavailable', failure });
    }
  };

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

  const check = async (): Promise<void> => {
    const mine = question + 1;
    try {
      await ask(readSession);
    } catch (error) {
      if (!(error instanceof BffError)) throw error;
      if (mine === question) fail(error);
    }
  };

  /** A change to the session that was refused because it is another session by now: show that one, and say so. */
  const changing = async <Result>(change: () => Promise<Result>): Promise<Result> => {
    try {
      return await change();
    } catch (error) {
      if (error instanceof BffError && error.code === 'session_changed') await check();
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
    if (message.type === 'signed-out' && wasActive) become({ kind: 'ended', reason: 'signed_out' });
    if (message.type === 'signed-in' && state.kind === 'active' && state.session.handle === message.handle)
      return;
    void check();
  });

  // A laptop that wakes up: first what the clock says, so that nobody sees the person, then what the server says.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState !== 'visible') return;
    tick();
    if (!asking) void check();
  });
  // A page that is left may be kept by the browser and shown again later: it is kept empty.
  addEventListener('pagehide', () => {
    question += 1;
    asking = false;
    become({ kind: 'checking' });
  });
  addEventListener('pageshow', (event) => {
    if (event.persisted) void check();
  });

  setInterval(tick, 1_000);

  return {
    check,
    async extend() {
      await changing(() => ask(extendSession));
      tell({ type: 'extended' });
    },
    async signOut() {
      const next = await changing(signOut);
      question += 1;
      asking = false;
      tell({ type: 'signed-out' });
      become({ kind: 'ended', reason: 'signed_out' });
      // Replaced, so that "back" does not lead to a page of somebody who has left.
      location.replace(next);
    },
  };
}
