/** The client itself: what it knows of the session, kept true, and the calls. */
import { BffError } from './errors.ts';
import type {
  ActiveState,
  AnyCallOptions,
  Bff,
  EndedState,
  ListedSession,
  Pace,
  SessionEvents,
  SessionState,
  Surroundings,
} from './types.ts';

export type { Surroundings };

type Json = Readonly<Record<string, unknown>>;

/** What the fake for tests and `cis2-bff/client/events` need besides. */
export interface Internals extends Pace {
  /** Takes a session JSON as the newest there is; as the first there is, with `isFirst`. */
  readonly accept: (session: Json, isFirst?: boolean) => void;
  readonly set: (state: SessionState) => void;
}

/** An instant by the clock that people set and by the one that nobody sets, in milliseconds. */
type Instant = readonly [wall: number, monotonic: number];
/** A session JSON, when it was asked for, and the reference of the response. */
type SessionResponse = readonly [session: Json, asked: Instant, reference: string | null];
/** What tabs tell each other: a response, and the wall clock's time from which it holds. */
type Message = readonly [...response: SessionResponse, since: number];
type StepUps = Readonly<Record<string, readonly [time: number, call: string]>>;
/** `fetch`'s own, where what is not given may be `undefined`, and a body may be what becomes JSON. */
type CallInit = { [Name in keyof Omit<RequestInit, 'body'>]: RequestInit[Name] | undefined } & {
  background?: boolean | undefined;
  body?: unknown;
};

/** Four ticks and a margin for their jitter: a session that ended elsewhere is known within five seconds. */
export const pollMs = 3_500;
/** A visible tab that heard nothing from the one that asks does it itself, this much later. */
const followerMs = 6_000;
const retrySeconds = 7;
const callMs = 15_000;
const lockMs = 10_000;
const stepUpMs = 300_000;

const prefix = 'cis2-bff:';
const stepUpsKey = 'cis2-bff:step-up';
/** Where `cis2-bff/client/draft` keeps its own; it may not be there when the person signs out. */
export const draftsKey = 'cis2-bff:drafts';
const json = 'application/json';
const contentType = 'Content-Type';
const problemHeader = 'X-BFF-Problem';
const loading: SessionState = { status: 'loading' };

/** Responses that do not come from the BFF's functions, but from what stands before them. */
const codes: Readonly<Record<number, string>> = {
  400: 'invalid_request',
  404: 'not_found',
  413: 'payload_too_large',
  429: 'rate_limited',
  500: 'internal_error',
  502: 'upstream_invalid',
  503: 'store_unavailable',
  504: 'upstream_timeout',
};

const invalid = (code = 'invalid_answer', status = 0): never => {
  throw new BffError(code, { status });
};

const instant = (value: unknown): Date => {
  const date = new Date(typeof value === 'string' ? value : NaN);
  return isNaN(+date) ? invalid() : date;
};

/** A reference is shown to people: nothing else gets onto a page as one. */
const referenceOf = (value: unknown): string | null =>
  typeof value === 'string' && /^[\w-]{4,40}$/.test(value) ? value : null;

/** `AbortSignal.timeout` where there is one: it is younger than the oldest browsers, and lets Node.js end before. */
const abortAfter = (milliseconds: number): AbortSignal => {
  if ('timeout' in AbortSignal) return AbortSignal.timeout(milliseconds);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), milliseconds);
  return controller.signal;
};

/** The address of a page, where a sign-in can come back to it: `/` for one that the BFF would not come back to. */
export const pageAddressOf = ({ pathname, search, hash }: Location): string => {
  const address = pathname + search + hash;
  return address.length > 1024 || address.startsWith('//') ? '/' : address;
};

/** The address that `fetch` would take from its first argument. */
export const addressOf = (input: string | URL | Request): string =>
  typeof input === 'string' ? input : 'url' in input ? input.url : input.href;

const readJson = (response: Response): Promise<Json> =>
  response.json().then(
    (body: unknown) => (typeof body === 'object' && body ? (body as Json) : invalid()),
    () => invalid('invalid_answer', response.status),
  );

const requestId = ({ headers }: Response): string | null => referenceOf(headers.get('X-Request-Id'));

/** The error that a response means. An upstream's and a gateway's are told apart by what only our functions send. */
async function errorOf(response: Response, isUpstreams: boolean): Promise<BffError> {
  const { status, headers } = response;
  const ours = headers.get(problemHeader);
  const after = headers.get('Retry-After') ?? '';
  const seconds = /^\d+$/.test(after) ? +after : Math.ceil((Date.parse(after) - Date.now()) / 1000);
  const body = /json/i.test(headers.get(contentType) ?? '')
    ? await readJson(response.clone()).catch(() => null)
    : null;
  const isGateways = !headers.has('X-Request-Id') && (!body || Object.keys(body).join() === 'message');
  const theirs = isUpstreams && !isGateways;
  return new BffError(ours ?? (theirs ? 'upstream_refused' : (codes[status] ?? 'invalid_answer')), {
    status,
    reference: (ours && referenceOf(body?.['reference'])) ?? requestId(response),
    retryAfterSeconds: seconds >= 0 ? seconds : null,
    problem: ours ? body : null,
    ...(ours || !theirs ? {} : { response }),
  });
}

export function createClient(win: Surroundings, events?: SessionEvents): [client: Bff, internals: Internals] {
  let state = loading;
  /** Of the last session that this tab showed, also after its end: a call that was meant for it reaches no other. */
  let handle = '';
  /** The last response without its time, to see that nothing has changed. */
  let text = '';
  /** The wall clock's time from which the last response holds: what was asked earlier is out of date. */
  let since = 0;
  /** The server's clock: what it showed at an instant of ours, in milliseconds. */
  let serverTime = NaN;
  let at: Instant = [0, 0];
  let nextAskAt = 0;
  let askedAt = 0;
  let asking: Promise<void> | undefined;
  let isAsker = false;
  let candidacy: AbortController | undefined;
  let channel: BroadcastChannel | undefined;
  let timer: ReturnType<typeof setInterval> | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  const listeners = new Set<() => void>();
  /** The handle that a refused call was sent with. */
  const sentWith = new WeakMap<object, string>();
  const stopped = new AbortController();
  const { document, location } = win;
  const locks = win.navigator?.locks;
  const wall = () => win.Date.now();
  const monotonic = () => win.performance.now();
  const instantNow = (): Instant => [wall(), monotonic()];
  const isVisible = () => document?.visibilityState === 'visible';

  /** By the later of the two clocks: one may stand still during sleep, the other may be set. */
  const elapsed = ([wallThen, monotonicThen]: Instant) =>
    Math.max(wall() - wallThen, monotonic() - monotonicThen);
  const serverNow = () => serverTime + elapsed(at);

  const notify = () => {
    for (const listener of [...listeners]) {
      try {
        listener();
      } catch (error) {
        // An error in one listener must not keep the others from learning that the session has ended.
        win.reportError(error);
      }
    }
  };
  const set = (next: SessionState, later?: boolean) => {
    state = next;
    if (next.status === 'anonymous' || (next as EndedState).reason === 'signed_out') {
      try {
        win.sessionStorage.removeItem(draftsKey);
      } catch {
        // There was nothing to remove then.
      }
    }
    if (later) queueMicrotask(notify);
    else notify();
  };

  /**
   * Applies the clock to the state.
   *
   * @param later - listeners are called when the reader of the state has finished
   */
  const evaluate = (later?: boolean) => {
    if (state.status !== 'active') return;
    const { expires, warning } = state;
    const now = serverNow();
    if (now >= +expires.at) {
      nextAskAt = 0;
      set(loading, later);
    } else if (!warning && now >= +expires.warnAt) set({ ...state, warning: true }, later);
  };

  const parse = (session: Json, reference: string | null): SessionState => {
    const { status } = session;
    if (status === 'anonymous') return { status };
    if (status === 'ended') return { status, reason: session['reason'], reference } as SessionState;
    const active = session as Partial<ActiveState>;
    const { assurance, expires } = active;
    if (status !== 'active' || !active.handle || !active.user?.uid || !assurance || !expires)
      return invalid();
    const end = instant(expires.at);
    return {
      ...(active as ActiveState),
      assurance: { ...assurance, authenticatedAt: instant(assurance.authenticatedAt) },
      expires: {
        ...expires,
        at: end,
        idleAt: instant(expires.idleAt),
        absoluteAt: instant(expires.absoluteAt),
        warnAt: instant(expires.warnAt),
      },
      serverTime: instant(active.serverTime),
      warning: false,
      remainingSeconds: () => Math.max(0, Math.ceil((+end - serverNow()) / 1000)),
    };
  };

  /**
   * Takes a response in, unless a newer one came first.
   *
   * @param from - the wall clock's time from which it holds: of a change, when it was complete
   * @throws BffError `invalid_answer`
   */
  const accept = ([session, sent, reference]: SessionResponse, from = sent[0]): boolean => {
    // When the clock has been set back since, its order says nothing.
    if (from < since && since <= wall()) return false;
    const next = parse(session, reference);
    since = from;
    nextAskAt = Infinity;
    if (next.status === 'active') {
      // As if the server had looked at its clock when the request left: a slow response makes the end come early, never
      // late. Its time comes in whole seconds, so that a new estimate may be a second behind one that was right.
      const behind = serverNow() - +next.serverTime - elapsed(sent);
      if (!(behind >= 0 && behind < 1000)) [serverTime, at] = [+next.serverTime, sent];
      handle = next.handle;
      nextAskAt = monotonic() + pollMs + internals.extraIntervalMs;
    }
    // The server no longer knows why a session ended once its cookie is gone; this tab does.
    if (state.status === 'ended' && next.status === 'anonymous') return true;
    const seen = JSON.stringify({ ...session, serverTime: 0 });
    if (next.status === 'active' && serverNow() >= +next.expires.at) {
      // The server is about to end it.
      if (state.status === 'active') set(loading);
      nextAskAt = 0;
    } else if (next.status !== state.status || text !== seen) {
      text = seen;
      const warning = next.status === 'active' && serverNow() >= +next.expires.warnAt;
      set(warning ? { ...next, warning } : next);
    }
    evaluate();
    return true;
  };

  /** As {@link accept}, and the other tabs hear it. */
  const learn = (response: SessionResponse, from?: number) => {
    if (accept(response, from)) channel?.postMessage([...response, since] satisfies Message);
  };
  const learnNow = (session: Json, reference: string | null = null) =>
    learn([session, instantNow(), reference], wall());

  const fail = (error: BffError) => {
    nextAskAt = monotonic() + (error.retryAfterSeconds ?? retrySeconds) * 1000;
    evaluate();
    if (state === loading || (state.status === 'unavailable' && state.error.code !== error.code))
      set({ status: 'unavailable', error });
  };

  /**
   * Work that must not overlap with the same in another tab, or in this one where there are no locks. The wait is
   * bounded: a tab that hangs with the lock must not stop the others.
   */
  const exclusive = <T>(name: string, work: () => Promise<T>): Promise<T> => {
    let result: Promise<T> | undefined;
    const once = () => (result ??= work());
    if (locks) {
      const signal = abortAfter(lockMs);
      return (locks.request(prefix + name, { signal }, once) as Promise<T>).catch(once);
    }
    const turn = queue.then(once);
    queue = turn.catch(() => 0);
    return turn;
  };

  /**
   * Sends a request to our own origin.
   *
   * @param isOwn - to the BFF itself: it is given up after a time, and only the BFF responds
   * @throws BffError for every response but 2xx and 304
   */
  const send = async (
    input: string | Request,
    init: CallInit = {},
    isOwn = true,
    sent = handle,
  ): Promise<Response> => {
    const headers = new Headers(init.headers);
    let { body } = init;
    if (/ (Object|Array|Number|Boolean)]/.test(Object.prototype.toString.call(body))) {
      // An array of changes is a JSON Patch (RFC 6902).
      const type = init.method === 'PATCH' && Array.isArray(body) ? `${json}-patch+json` : json;
      if (!headers.has(contentType)) headers.set(contentType, type);
      body = JSON.stringify(body);
    }
    headers.set('X-CSRF', '1');
    if (sent) headers.set('X-Session', sent);
    if (init.background) headers.set('X-Background', '1');
    const signal = isOwn ? abortAfter(callMs) : init.signal;
    let response;
    try {
      response = await win.fetch(typeof input === 'string' ? location.origin + input : input, {
        ...init,
        headers,
        body,
        signal,
        credentials: 'same-origin',
        redirect: 'manual',
      } as RequestInit);
    } catch {
      if (!isOwn && signal?.aborted) throw new DOMException('Aborted', 'AbortError');
      return invalid('unreachable');
    }
    if ((response.ok || response.status === 304) && !response.headers.has(problemHeader)) return response;
    const error = await errorOf(response, !isOwn);
    sentWith.set(error, sent);
    throw error;
  };

  const read = async (sent?: string): Promise<SessionResponse> => {
    const now = instantNow();
    const response = await send('/auth/session', { cache: 'no-store' }, true, sent);
    return [await readJson(response), now, requestId(response)];
  };

  /**
   * Finds out who is signed in. When the session that this tab showed has been replaced, the browser may hold the newer
   * one, at the latest when a change of role in another tab is complete: then it is read once more.
   *
   * @param known - that it is another one is known already: by this response, if nothing better can be had, or just so
   */
  const question = async (known?: SessionResponse | true): Promise<void> => {
    try {
      let response = known === true ? undefined : known;
      if (!known) {
        response = await read().catch((error: unknown) => {
          if ((error as BffError).code === 'session_changed') return undefined;
          throw error;
        });
      }
      if (!response || response[0]['reason'] === 'replaced') {
        response = await exclusive('change', () => read('')).catch((error: unknown) => {
          if (response) return response;
          if (!known) set(loading);
          throw error;
        });
      }
      learn(response);
    } catch (error) {
      fail(error as BffError);
    }
  };

  /** Asks. What is on its way is waited for, unless it has been on its way for long. */
  const ask = (known?: SessionResponse | true): Promise<void> => {
    if (!asking || known || wall() - askedAt > 2000) {
      askedAt = wall();
      const mine = (asking = question(known).finally(() => {
        if (asking === mine) asking = undefined;
      }));
    }
    return asking;
  };

  /**
   * Makes a call, and has the state follow from its refusal before that is passed on.
   *
   * @param name - of a call that may start a step-up
   * @throws BffError also in place of an error that the arguments or the lack of a page cause
   */
  const applyingRefusals = async <T>(call: () => Promise<T>, name?: string): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      if ((error as Error | null)?.name === 'AbortError') throw error;
      if (!(error instanceof BffError)) return invalid('location' in win ? 'invalid_request' : 'unreachable');
      const { code, problem, reference } = error;
      const isOfThisSession = sentWith.get(error) === handle;
      const ended = { status: 'ended', reason: problem?.['reason'] };
      if (code === 'session_changed') {
        if (isOfThisSession) set(loading);
        await ask(true);
      } else if (isOfThisSession && code === 'session_ended') {
        if (ended.reason === 'replaced') await ask([ended, instantNow(), reference]);
        else learnNow(ended, reference);
      } else if (isOfThisSession && code === 'session_required') learnNow({ status: 'anonymous' });
      else if (name && code === 'step_up_required') stepUp(error, name);
      throw error;
    }
  };

  /** A change of the session, one at a time: a sign-out that overtook a change of role would miss the new session. */
  const change = (
    path: string,
    take: (response: Response, sent: Instant) => Promise<void>,
    init: CallInit = { method: 'POST' },
  ) =>
    applyingRefusals(() =>
      exclusive('change', async () => {
        const sent = instantNow();
        await take(await send(path, init), sent);
      }),
    );
  const learnFrom = async (response: Response, sent: Instant) =>
    learn([await readJson(response), sent, requestId(response)], wall());

  /**
   * The step-up sign-ins that this tab has started: what was asked for → when, and for which call.
   *
   * @returns whether there was something to write, and it was written
   */
  const editStepUps = (edit: (all: StepUps) => StepUps): boolean => {
    try {
      const before = win.sessionStorage.getItem(stepUpsKey) ?? '{}';
      const after = JSON.stringify(edit(JSON.parse(before) as StepUps));
      if (after === before) return false;
      win.sessionStorage.setItem(stepUpsKey, after);
      return true;
    } catch {
      return false;
    }
  };

  /** Starts the sign-in that a refusal names, unless one that was started lately led to the same refusal. */
  const stepUp = ({ problem }: BffError, call: string) => {
    const acr = (problem?.['acr'] ?? '') as string;
    const isDue = editStepUps((all) => {
      const age = wall() - (all[acr]?.[0] ?? NaN);
      return age >= 0 && age < stepUpMs ? all : { ...all, [acr]: [wall(), call] };
    });
    // Where it could not be written down, a loop would not be noticed.
    if (isDue) void client.signIn(acr ? { acr } : { reauth: true });
  };

  /** @param name - of the call in the tab's storage, so that it must not hold a person's data */
  const sendProxied = (name: string, prepare: () => [input: string | Request, init: CallInit]) =>
    applyingRefusals(async () => {
      const [input, init] = prepare();
      // A call that does not say which session it is meant for could act in any.
      if (state === loading && !handle && document) await ask();
      const response = await send(input, init, false);
      editStepUps((all) =>
        Object.fromEntries(Object.entries(all).filter(([, started]) => started[1] !== name)),
      );
      return response;
    }, name);

  const internals: Internals = {
    accept(session, isFirst) {
      if (isFirst) state = loading;
      accept([session, instantNow(), null], wall());
    },
    set,
    ask,
    extraIntervalMs: 0,
  };

  const client: Bff = {
    session: {
      get() {
        evaluate(true);
        return state;
      },
      subscribe(listener) {
        // A function of its own, so that one listener can be there twice.
        const own = () => listener();
        listeners.add(own);
        return () => void listeners.delete(own);
      },
    },

    signIn: (options = {}) =>
      applyingRefusals(() => {
        const { returnTo, acr, reauth, role } = options;
        const query = new URLSearchParams({ returnTo: returnTo ?? pageAddressOf(location) });
        if (acr) query.set('acr', acr);
        if (role) query.set('role', role);
        if (reauth) query.set('reauth', '1');
        const goToSignIn = () =>
          new Promise<void>((resolve) => {
            // Then the sign-in cookie has arrived, and the next tab can start with it.
            win.addEventListener('pagehide', () => resolve());
            setTimeout(resolve, lockMs);
            location.assign(`${location.origin}/auth/login?${query}`);
          });
        return exclusive('sign-in', goToSignIn);
      }),

    signOut: () =>
      change('/auth/logout', async (response) => {
        const redirectTo = String((await readJson(response))['redirectTo']);
        learnNow({ status: 'ended', reason: 'signed_out' }, requestId(response));
        // Replaced, so that "back" does not lead to a page of somebody who has left.
        location.replace(/^(https?:\/)?\//.test(redirectTo) ? redirectTo : '/');
      }),

    extend: () => change('/auth/session/extend', learnFrom),

    chooseRole: (roleId) => change('/auth/session/role', learnFrom, { method: 'PUT', body: { roleId } }),

    sessions: () =>
      applyingRefusals(async () => {
        const { sessions } = await readJson(await send('/auth/sessions', { cache: 'no-store' }));
        if (!Array.isArray(sessions)) return invalid();
        return sessions.map((session: ListedSession | null) => ({
          ...(session as ListedSession),
          signedInAt: instant(session?.signedInAt),
          lastActiveAt: instant(session?.lastActiveAt),
        }));
      }),

    endSession: (other) =>
      applyingRefusals(async () => {
        await send(`/auth/sessions/${encodeURIComponent(other)}`, { method: 'DELETE' });
        if (other === handle) await ask(true);
      }),

    api: (route: string, options: AnyCallOptions = {}) =>
      sendProxied(route, () => {
        const { parameters, query, ...init } = options;
        const [method = '', template = ''] = route.split(' ');
        const search = new URLSearchParams();
        let path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
          const part = encodeURIComponent(parameters?.[name] ?? '');
          // Dots would be a step to another path.
          return /^\.*$/.test(part) ? invalid('invalid_request') : part;
        });
        if (path[0] !== '/') invalid('invalid_request');
        for (const [name, values] of Object.entries(query ?? {})) {
          for (const value of [values].flat()) if (value !== undefined) search.append(name, `${value}`);
        }
        if (`${search}`) path += `?${search}`;
        return [path, { ...init, method }];
      }),

    fetch: (input, init = {}) =>
      sendProxied('fetch', () => {
        const request = (input as Request).url ? (input as Request) : undefined;
        const url = new URL(addressOf(input), location.href);
        // What a call carries is for our own origin only.
        if (url.origin !== location.origin) return invalid('invalid_request');
        return [
          request ?? url.pathname + url.search,
          { ...init, headers: init.headers ?? request?.headers, signal: init.signal ?? request?.signal },
        ];
      }),

    stop() {
      stopped.abort();
      clearInterval(timer);
      leave();
    },
  };

  const resign = () => {
    candidacy?.abort();
    candidacy = undefined;
    isAsker = false;
  };

  /** The visible tab that holds the lock asks. Without locks or a channel, each tab asks for itself. */
  const requestLeadership = () => {
    if (!locks || !channel) isAsker = true;
    else if (!candidacy) {
      const { signal } = (candidacy = new AbortController());
      const hold = () =>
        new Promise((resolve) => {
          isAsker = true;
          signal.onabort = resolve;
        });
      locks.request(prefix + 'asker', { signal }, hold).catch(() => 0);
    }
  };

  /** What keeps the state true while nothing else happens. */
  const tick = () => {
    evaluate();
    if (isVisible() && !asking && monotonic() >= nextAskAt + (isAsker ? 0 : followerMs)) void ask();
  };

  const openChannel = () => {
    if (channel || !win.BroadcastChannel) return;
    channel = new win.BroadcastChannel(prefix + 'session');
    channel.onmessage = ({ data }: MessageEvent<Message>) => {
      try {
        const [session, [askedWall], reference, from] = data;
        // It may have waited for this tab to wake up.
        accept([session, [askedWall, monotonic() - Math.max(0, wall() - askedWall)], reference], from);
      } catch {
        // The message is of another version of this library.
      }
    };
  };

  /** The page is shown, or has been asleep: first what the clock says, before anything is painted, then the BFF. */
  const wake = () => {
    evaluate();
    if (!isVisible()) {
      resign();
      return;
    }
    openChannel();
    requestLeadership();
    if (state === loading || Math.abs(wall() - since) > pollMs || monotonic() >= nextAskAt) void ask();
  };

  const leave = () => {
    channel?.close();
    channel = undefined;
    resign();
  };

  if (document) {
    // The controller stands for options: it has a signal.
    for (const name of ['visibilitychange', 'resume']) document.addEventListener(name, wake, stopped);
    for (const name of ['focus', 'pageshow', 'online']) win.addEventListener(name, wake, stopped);
    // A page in the back-forward cache shows nobody, and keeps no other tab from anything.
    const hide = () => {
      leave();
      if (state.status === 'active') set(loading);
    };
    win.addEventListener('pagehide', hide, stopped);
    timer = setInterval(tick, 1000);
    openChannel();
    wake();
    void ask();
  }

  events?.(win, client, internals);
  return [client, internals];
}
