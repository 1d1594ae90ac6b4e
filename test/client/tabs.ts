/** Tabs of one browser, without a browser: what they share, and what each has of its own. To be used with fake timers. */
import { createClient, type Surroundings } from '../../client/core.ts';
import { sessionEvents, type SessionEventsOptions } from '../../client/events/index.ts';
import { createFakeServer, type FakeServerOptions } from '../../client/testing/server.ts';
import type { Bff, SessionState } from '../../client/types.ts';

const origin = 'https://app.example.nhs.uk';

export interface Request {
  readonly tab: Tab;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

class FakeChannel {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  readonly #browser: TabbedBrowser;
  readonly #tab: Tab;
  readonly #name: string;

  constructor(browser: TabbedBrowser, tab: Tab, name: string) {
    this.#browser = browser;
    this.#tab = tab;
    this.#name = name;
    browser.channels.add(this);
  }

  postMessage(data: unknown): void {
    for (const other of this.#browser.channels) {
      if (other === this || other.#name !== this.#name) continue;
      const message = structuredClone(data);
      other.#tab.whenRunning(() => other.onmessage?.({ data: message }));
    }
  }

  close(): void {
    this.#browser.channels.delete(this);
  }
}

/** A connection of a page's, of which the test is the other end. */
export class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly url: string;
  readonly tab: Tab;

  constructor(url: string, tab: Tab, browser: TabbedBrowser) {
    this.url = url;
    this.tab = tab;
    browser.sockets.push(this);
    setTimeout(() => {
      browser.handleSocket(this);
    }, browser.latency);
  }

  accept(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  say(data: unknown = 'ask'): void {
    this.onmessage?.({ data });
  }

  /** Refuses, or breaks off. */
  drop(): void {
    this.readyState = 3;
    this.onclose?.();
  }

  close(): void {
    this.readyState = 2;
    setTimeout(() => {
      this.drop();
    }, 1);
  }
}

type Work = (lock: unknown) => Promise<unknown>;

/** Web Locks, as far as exclusive ones go. */
class FakeLocks {
  readonly #waiting = new Map<string, (() => void)[]>();

  request(name: string, options: { signal?: AbortSignal }, work: Work): Promise<unknown> {
    const { signal } = options;
    return new Promise((resolve, reject) => {
      const queue = this.#waiting.get(name) ?? [];
      this.#waiting.set(name, queue);
      const begin = (): void => {
        signal?.removeEventListener('abort', abort);
        void Promise.resolve(work({ name }))
          .then(resolve, reject)
          .finally(() => {
            queue.shift();
            queue[0]?.();
          });
      };
      const abort = (): void => {
        queue.splice(queue.indexOf(begin), 1);
        reject(signal?.reason as Error);
      };
      if (signal?.aborted === true) {
        reject(signal.reason as Error);
        return;
      }
      queue.push(begin);
      if (queue.length === 1) queueMicrotask(begin);
      else signal?.addEventListener('abort', abort);
    });
  }
}

export interface TabOptions {
  readonly hidden?: boolean;
  /** What this browser does not have. */
  readonly without?: readonly ('locks' | 'channel' | 'storage' | 'sockets')[];
  /** The app has the end of a session pushed. */
  readonly events?: boolean | SessionEventsOptions;
  /** The page that this tab was before it was loaded again. */
  readonly reloaded?: Tab;
  readonly path?: string;
}

export class Tab {
  readonly bff: Bff;
  /** Where the page went. */
  readonly visits: string[] = [];
  /** Every state that a listener saw. */
  readonly seen: SessionState[] = [];
  readonly storage: Map<string, string>;
  readonly window: EventTarget;
  readonly document: EventTarget & { visibilityState: string };
  #frozen: (() => void)[] | undefined;

  constructor(browser: TabbedBrowser, options: TabOptions) {
    const { without = [], reloaded, path = '/ward?bed=7#notes' } = options;
    this.storage = reloaded?.storage ?? new Map<string, string>();
    this.window = new EventTarget();
    this.document = Object.assign(new EventTarget(), {
      visibilityState: options.hidden === true ? 'hidden' : 'visible',
    });
    const url = new URL(path, origin);
    const visit = (address: string): void => void this.visits.push(address);
    const storage = {
      getItem: (key: string) => this.storage.get(key) ?? null,
      setItem: (key: string, value: string) => this.storage.set(key, value),
    };
    const tab = this as Tab;
    const surroundings = {
      Date: { now: () => Date.now() + browser.wallSkew },
      performance: { now: () => performance.now() + browser.monotonicSkew },
      fetch: (input: string | globalThis.Request, init: RequestInit) => browser.send(this, input, init),
      location: {
        ...{ origin, href: url.href, pathname: url.pathname, search: url.search, hash: url.hash },
        ...{ assign: visit, replace: visit },
      },
      document: this.document,
      addEventListener: this.window.addEventListener.bind(this.window),
      removeEventListener: this.window.removeEventListener.bind(this.window),
      navigator: without.includes('locks') ? {} : { locks: browser.locks },
      get sessionStorage() {
        if (without.includes('storage')) throw new DOMException('denied', 'SecurityError');
        return storage;
      },
      reportError: (error: unknown) => void browser.errors.push(error),
      BroadcastChannel: without.includes('channel')
        ? undefined
        : class extends FakeChannel {
            constructor(name: string) {
              super(browser, tab, name);
            }
          },
      WebSocket: without.includes('sockets')
        ? undefined
        : class extends FakeSocket {
            constructor(url: string) {
              super(url, tab, browser);
            }
          },
    };
    [this.bff] = createClient(
      surroundings as unknown as Surroundings,
      options.events === undefined || options.events === false
        ? undefined
        : sessionEvents(options.events === true ? undefined : options.events),
    );
    this.bff.session.subscribe(() => this.seen.push(this.bff.session.get()));
  }

  get state(): SessionState {
    return this.bff.session.get();
  }

  get status(): string {
    return this.state.status;
  }

  whenRunning(work: () => void): void {
    if (this.#frozen === undefined) setTimeout(work, 1);
    else this.#frozen.push(work);
  }

  show(): void {
    this.document.visibilityState = 'visible';
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  hide(): void {
    this.document.visibilityState = 'hidden';
    this.document.dispatchEvent(new Event('visibilitychange'));
  }

  /** Messages wait. Timers go on, for they are everybody's; a frozen tab is a hidden one. */
  freeze(): void {
    this.hide();
    this.#frozen = [];
  }

  thaw(): void {
    const waiting = this.#frozen ?? [];
    this.#frozen = undefined;
    for (const work of waiting) work();
    this.show();
  }
}

export class TabbedBrowser {
  readonly channels = new Set<FakeChannel>();
  readonly locks = new FakeLocks();
  readonly requests: Request[] = [];
  readonly errors: unknown[] = [];
  /** Every connection that a tab has asked for. */
  readonly sockets: FakeSocket[] = [];
  /** What happens to a connection, once it had time to arrive. */
  handleSocket: (socket: FakeSocket) => void = (socket) => {
    socket.accept();
  };
  readonly server;
  /** What this computer's clock is wrong by, in milliseconds. */
  wallSkew = 0;
  monotonicSkew = 0;
  /** Of a request and its response together, in milliseconds; the server decides half-way. */
  latency = 20;
  /** A response in place of the server's; undefined lets the server respond. */
  respond: (request: Request) => Response | Promise<Response> | undefined = () => undefined;
  readonly #tabs: Tab[] = [];
  #slept = 0;

  constructor(options: FakeServerOptions = { session: { status: 'active' } }) {
    this.server = createFakeServer(options);
  }

  open(options: TabOptions = {}): Tab {
    const tab = new Tab(this, options);
    this.#tabs.push(tab);
    return tab;
  }

  close(): void {
    for (const tab of this.#tabs) tab.bff.stop();
  }

  async send(tab: Tab, input: string | globalThis.Request, init: RequestInit): Promise<Response> {
    const url = new URL(typeof input === 'string' ? input : input.url);
    const request: Request = {
      tab,
      method: init.method ?? (typeof input === 'string' ? 'GET' : input.method),
      path: url.origin === origin ? url.pathname + url.search : url.href,
      headers: Object.fromEntries(new Headers(init.headers)),
      body: init.body,
    };
    this.requests.push(request);
    const { signal } = init;
    const aborted = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error));
    });
    signal?.throwIfAborted();
    const travel = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, this.latency / 2));
    const work = async (): Promise<Response> => {
      await travel();
      this.server.tick((Date.now() + this.#slept - this.server.now()) / 1_000);
      const response = await (this.respond(request) ?? this.server.fetch(input, init));
      await travel();
      return response;
    };
    return Promise.race([work(), aborted]);
  }

  /** Requests to this path since the last time that this was asked. */
  count(path: string): number {
    const all = this.requests.splice(0);
    return all.filter((request) => request.path === path).length;
  }

  /** The computer sleeps: one clock stands still, no timer runs. */
  sleep(seconds: number): void {
    this.#slept += seconds * 1_000;
    this.wallSkew += seconds * 1_000;
  }
}
