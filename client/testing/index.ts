/** `cis2-bff/client/testing`: the client without a network, for an app's tests and stories. */
import { createClient, type Surroundings } from '../core.ts';
import type { Bff, LoadingState, UnavailableState } from '../types.ts';
import { createFakeServer, problemResponse, type FakeServerOptions, type FakeSession } from './server.ts';

export { BffError } from '../errors.ts';
export {
  createFakeServer,
  problemResponse,
  type FakeCall,
  type FakeRoutes,
  type FakeServer,
  type FakeServerOptions,
  type FakeSession,
} from './server.ts';

export type FakeState = FakeSession | LoadingState | UnavailableState;

export interface FakeBffOptions<Upstreams = unknown> extends Omit<FakeServerOptions<Upstreams>, 'session'> {
  /** The first state, without its functions. @default nobody is signed in */
  readonly session?: FakeState;
}

/** A member that was called. */
export interface RecordedCall {
  readonly name: string;
  readonly arguments: readonly unknown[];
}

export interface FakeBff<Upstreams = unknown> extends Bff<Upstreams> {
  /** Shows this state from now on. */
  readonly set: (state: FakeState) => void;
  /** Lets time pass: the warning, and the end of the session, come as they would. */
  readonly tick: (seconds: number) => void;
  /** The members that were called, in order. */
  readonly calls: readonly RecordedCall[];
}

const recorded = [
  'signIn',
  'signOut',
  'extend',
  'chooseRole',
  'sessions',
  'endSession',
  'api',
  'fetch',
  'stop',
] as const;

/** A client of the same code as `createBff`, before a server in memory. Nothing navigates, and time moves with `tick` only. */
export function createFakeBff<Upstreams = unknown>(
  options: FakeBffOptions<Upstreams> = {},
): FakeBff<Upstreams> {
  const server = createFakeServer<Upstreams>({ ...options, session: { status: 'anonymous' } });
  let unavailable: UnavailableState | undefined;
  const storage = new Map<string, string>();
  const origin = 'http://fake.invalid';
  const clock = { now: server.now };
  const surroundings = {
    Date: clock,
    performance: clock,
    fetch: (input: string | Request, init?: RequestInit) => {
      if (unavailable?.error.status) return Promise.resolve(problemResponse(unavailable.error.code));
      if (unavailable) throw new TypeError('unreachable');
      return server.fetch(input, init);
    },
    location: { origin, href: `${origin}/`, pathname: '/', search: '', hash: '', replace: () => undefined },
    sessionStorage: {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => storage.set(key, value),
      removeItem: (key: string) => storage.delete(key),
    },
    reportError: (error: unknown) => {
      queueMicrotask(() => {
        throw error;
      });
    },
  };
  const [client, { accept, set: show }] = createClient(surroundings as unknown as Surroundings);
  const calls: RecordedCall[] = [];

  const set = (state: FakeState): void => {
    unavailable = state.status === 'unavailable' ? state : undefined;
    if (state.status === 'loading' || state.status === 'unavailable') {
      server.set({ status: 'anonymous' });
      show(state);
      return;
    }
    server.set(state);
    accept(server.session(), true);
  };

  for (const name of recorded) {
    const real = client[name] as (...given: unknown[]) => unknown;
    const member = (...given: unknown[]): unknown => {
      calls.push({ name, arguments: given });
      // A sign-in leaves the page.
      return name === 'signIn' ? Promise.resolve() : real(...given);
    };
    Object.assign(client, { [name]: member });
  }

  set(options.session ?? { status: 'anonymous' });
  return Object.assign(client, {
    calls,
    set,
    tick(seconds: number) {
      server.tick(seconds);
      const { status } = server.session();
      if (status === 'active' || status === 'ended') accept(server.session());
    },
  });
}
