/** `cis2-bff/client/events`: the BFF pushes the end of a session, instead of the page polling every few seconds. */
import { pollMs } from '../core.ts';
import type { SessionEvents } from '../types.ts';

const minWaitMs = 1_000;
const maxWaitMs = 60_000;
/** The tab that is connected says so every second. */
const maxSilenceMs = 5_000;

export interface SessionEventsOptions {
  /**
   * Seconds from one question to the next while the page is connected: as long as it may take to notice that a connection is dead of
   * which nobody was told.
   * @default 30
   */
  readonly askSeconds?: number;
}

/**
 * Has the end of the session pushed by a WebSocket at `/auth/events`, so that the page polls only now and then. One visible tab of
 * the browser is connected, and tells the others. While none is, the page polls as often as without this; the tab connects
 * again after 1 to 60 seconds. It needs a deployment with `sessionEvents`, and tabs that can agree (Web Locks and
 * `BroadcastChannel`).
 *
 * @example
 * const bff = createBff<typeof upstreams>({ events: sessionEvents() });
 */
export const sessionEvents =
  (options: SessionEventsOptions = {}): SessionEvents =>
  (win, client, pace) => {
    const { askSeconds = 30 } = options;
    const extraIntervalMs = Math.max(0, askSeconds * 1_000 - pollMs);
    const { document, WebSocket: Socket, BroadcastChannel: Channel, location } = win;
    const locks = win.navigator?.locks;
    if (!document || !Socket || !Channel || !locks) return;
    /** While this tab is visible. */
    let candidacy: AbortController | undefined;
    let channel: BroadcastChannel | undefined;
    /** Whether this is the tab that connects. */
    let isHolder = false;
    let socket: WebSocket | undefined;
    /** The session that the connection is for. */
    let session = '';
    let isStopped = false;
    let waitMs = minWaitMs;
    let retryAt = 0;
    let openedAt = NaN;
    let heardAt = NaN;

    const now = () => win.performance.now();
    const release = () => {
      const left = socket;
      socket = undefined;
      left?.close();
    };

    const connect = () => {
      const mine = (socket = new Socket(location.origin.replace(/^http/, 'ws') + '/auth/events'));
      mine.onopen = () => {
        openedAt = now();
        look();
        // What ended before it was open was reported to nobody.
        void pace.ask();
      };
      // A request that is on its way may have had its response before the end. What a message says does not count.
      mine.onmessage = () => void pace.ask().then(() => pace.ask());
      mine.onclose = () => {
        if (socket !== mine) return;
        socket = undefined;
        // One that lasted was no failure to connect.
        if (now() - openedAt > maxWaitMs) waitMs = minWaitMs;
        openedAt = NaN;
        retryAt = now() + waitMs;
        waitMs = Math.min(2 * waitMs, maxWaitMs);
        look();
      };
    };

    /** Connects, or lets go, as the state wants it; every second, and when the state or the connection has changed. */
    const look = () => {
      const state = client.session.get();
      const wanted = isHolder && state.status === 'active' ? state.handle : '';
      if (wanted !== session) {
        // Another session, or another role in it: a connection belongs to the cookie that it was made with.
        release();
        [session, retryAt, waitMs] = [wanted, 0, minWaitMs];
      }
      if (session && !socket && now() >= retryAt) connect();
      const isOpen = socket?.readyState === Socket.OPEN;
      if (isOpen) channel?.postMessage(0);
      const before = pace.extraIntervalMs;
      pace.extraIntervalMs = isOpen || now() - heardAt < maxSilenceMs ? extraIntervalMs : 0;
      // The next question was to come later than it may now.
      if (candidacy && state.status === 'active' && before > pace.extraIntervalMs) void pace.ask();
    };

    const requestLeadership = () => {
      if (candidacy || isStopped || document.visibilityState !== 'visible') return;
      const { signal } = (candidacy = new AbortController());
      channel = new Channel('cis2-bff:events');
      channel.onmessage = () => {
        heardAt = now();
        look();
      };
      const hold = () =>
        new Promise<void>((resolve) => {
          isHolder = true;
          look();
          signal.addEventListener('abort', () => resolve());
        });
      locks.request('cis2-bff:listener', { signal }, hold).catch(() => 0);
    };
    const resign = () => {
      candidacy?.abort();
      candidacy = undefined;
      isHolder = false;
      channel?.close();
      channel = undefined;
      heardAt = NaN;
      look();
    };
    /** Asks first: the session may have ended while nobody looked, or while the page was in the back-forward cache. */
    const change = () => {
      if (document.visibilityState === 'visible') void pace.ask().then(requestLeadership);
      else resign();
    };

    const timer = setInterval(look, 1000);
    const unsubscribe = client.session.subscribe(look);
    document.addEventListener('visibilitychange', change);
    win.addEventListener('pageshow', change);
    // A page in the back-forward cache keeps no connection.
    win.addEventListener('pagehide', resign);
    requestLeadership();

    const { stop } = client;
    Object.assign(client, {
      stop() {
        isStopped = true;
        clearInterval(timer);
        unsubscribe();
        document.removeEventListener('visibilitychange', change);
        win.removeEventListener('pageshow', change);
        win.removeEventListener('pagehide', resign);
        resign();
        stop();
      },
    });
  };
