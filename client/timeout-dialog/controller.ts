/** What a time-out dialog has to show, and what its buttons do, without a page. */
import type { ActiveState, EndReason, SessionClient } from '../types.ts';
import type { BffError } from '../errors.ts';

export type TimeoutView =
  | { readonly kind: 'none' }
  /** The session ends soon. */
  | {
      readonly kind: 'warning';
      readonly endsAt: Date;
      readonly limit: 'idle' | 'absolute';
      readonly secondsLeft: number;
      /** The seconds to tell a screen reader of: they change a few times in all, not every second. */
      readonly announcedSeconds: number;
      readonly isBusy: boolean;
      /** Why the session could not be extended or ended. */
      readonly failure: BffError | null;
    }
  /** Somebody was signed in here, and is not known to be any more: what they saw must not be seen. */
  | { readonly kind: 'checking' }
  | { readonly kind: 'unavailable'; readonly reference: string | null }
  | { readonly kind: 'ended'; readonly reason: EndReason | null; readonly reference: string | null };

export interface TimeoutController {
  /** Extends the session; an absolute limit cannot be moved, so that then the warning goes away. */
  readonly stay: () => Promise<void>;
  readonly signOut: () => Promise<void>;
  readonly signIn: () => Promise<void>;
  readonly stop: () => void;
}

/** Before the end, in seconds: a countdown that is read out every second would interrupt everything else. */
const announcements = [10, 30, 60];

/**
 * Watches a client.
 *
 * @param show - called with what to show, whenever that changes, and every second of a warning
 */
export function watchTimeout(client: SessionClient, show: (view: TimeoutView) => void): TimeoutController {
  let wasActive = false;
  /** The end that the person has seen, cannot move, and has accepted; in milliseconds. */
  let acceptedEnd = 0;
  let isBusy = false;
  let failure: BffError | null = null;
  let timer: ReturnType<typeof setInterval> | undefined;
  let shownEnd = 0;
  let announcedSeconds = 0;

  const warningOf = (state: ActiveState): TimeoutView => {
    const { at, bindingLimit } = state.expires;
    const secondsLeft = state.remainingSeconds();
    if (+at !== shownEnd) {
      shownEnd = +at;
      announcedSeconds = secondsLeft;
      failure = null;
    }
    const due = announcements.find((seconds) => secondsLeft <= seconds);
    if (due !== undefined && due < announcedSeconds) announcedSeconds = due;
    return {
      kind: 'warning',
      endsAt: at,
      limit: bindingLimit,
      secondsLeft,
      announcedSeconds,
      isBusy,
      failure,
    };
  };

  const viewNow = (): TimeoutView => {
    const state = client.session.get();
    if (state.status === 'active') {
      wasActive = true;
      return state.warning && +state.expires.at !== acceptedEnd ? warningOf(state) : { kind: 'none' };
    }
    if (!wasActive) return { kind: 'none' };
    if (state.status === 'loading') return { kind: 'checking' };
    if (state.status === 'unavailable') return { kind: 'unavailable', reference: state.error.reference };
    return state.status === 'ended'
      ? { kind: 'ended', reason: state.reason, reference: state.reference }
      : { kind: 'ended', reason: null, reference: null };
  };

  const update = (): void => {
    const view = viewNow();
    if (view.kind === 'warning') timer ??= setInterval(update, 1_000);
    else {
      clearInterval(timer);
      timer = undefined;
      shownEnd = 0;
    }
    show(view);
  };

  const run = async (action: () => Promise<void>): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    failure = null;
    update();
    try {
      await action();
    } catch (error) {
      failure = error as BffError;
    }
    isBusy = false;
    update();
  };

  const unsubscribe = client.session.subscribe(update);
  update();
  return {
    async stay() {
      const state = client.session.get();
      if (state.status !== 'active') return;
      if (state.expires.bindingLimit === 'absolute') {
        acceptedEnd = +state.expires.at;
        update();
      } else await run(client.extend);
    },
    signOut: () => run(client.signOut),
    signIn: () => client.signIn(),
    stop() {
      unsubscribe();
      clearInterval(timer);
    },
  };
}
