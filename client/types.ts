/** What the library gives and takes. Everything here is erased when it is built. */
import type { BffError } from './errors.ts';

/** Why a session ended. */
export type EndReason = 'idle' | 'absolute' | 'signed_out' | 'provider_logout' | 'replaced' | 'revoked';

/** A role that the person holds. */
export interface Role {
  readonly roleId: string;
  readonly roleCode: string;
  readonly jobRoleCode: string | null;
  readonly roleName: string | null;
  readonly orgCode: string | null;
  readonly orgName: string | null;
  readonly activityCodes: readonly string[];
  readonly workgroupCodes: readonly string[];
  /** `false` when the app does not accept the role: it cannot be chosen. */
  readonly permitted?: false;
}

/** Who is signed in, at what assurance, in which role and until when. */
export interface SessionDetails {
  /** Names this session in this role. Of no use as a cookie. */
  readonly handle: string;
  readonly user: {
    readonly uid: string;
    readonly name: string;
    readonly givenName: string | null;
    readonly familyName: string | null;
    readonly title: string | null;
  };
  readonly assurance: {
    readonly authentication: number;
    readonly identity: number;
    readonly methods: readonly string[];
    readonly authenticatedAt: Date;
  };
  /** The role the person works in; `null` until one is chosen. */
  readonly role: Role | null;
  readonly roles: readonly Role[];
  readonly expires: {
    readonly at: Date;
    readonly idleAt: Date;
    readonly absoluteAt: Date;
    /** Which of the two limits `at` is. */
    readonly bindingLimit: 'idle' | 'absolute';
    readonly warnAt: Date;
  };
  readonly serverTime: Date;
  /** How many other live sessions the person had; only where the app asks about them. */
  readonly otherSessions?: number;
}

export interface LoadingState {
  readonly status: 'loading';
}
export interface UnavailableState {
  readonly status: 'unavailable';
  readonly error: BffError;
}
export interface AnonymousState {
  readonly status: 'anonymous';
}
export interface EndedState {
  readonly status: 'ended';
  readonly reason: EndReason;
  /** Finds the entry in the service's log, where there is one. */
  readonly reference: string | null;
}
export interface ActiveState extends SessionDetails {
  readonly status: 'active';
  /** True from `expires.warnAt`, by the server's clock. */
  readonly warning: boolean;
  /** Whole seconds until `expires.at`, by the server's clock; never less than 0. */
  readonly remainingSeconds: () => number;
}

/** What the page knows of the session. */
export type SessionState = LoadingState | UnavailableState | AnonymousState | EndedState | ActiveState;

/** One of the places where the person is signed in. */
export interface ListedSession {
  readonly handle: string;
  /** The session of this browser. */
  readonly current: boolean;
  readonly signedInAt: Date;
  readonly lastActiveAt: Date;
  readonly device: string;
}

export interface SignInOptions {
  /** A path of this origin to come back to. @default the page as it is */
  readonly returnTo?: string;
  /** One of CIS2's `acr_values`, at or above the level that the app is configured for. */
  readonly acr?: string;
  /** The person has to prove their presence again. */
  readonly reauth?: boolean;
  /** CIS2's own selection or change of the role. */
  readonly role?: 'select' | 'change';
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** The keys of a manifest's routes as a client calls them: `GET /api/pds/Patient/{id}`. Any text without a manifest. */
export type RouteKey<Upstreams> = unknown extends Upstreams
  ? string
  : {
      [Name in keyof Upstreams & string]: Upstreams[Name] extends { readonly routes: infer Routes }
        ? keyof Routes & string extends infer Key
          ? Key extends `${infer Verb extends Method} /${infer Path}`
            ? `${Verb} /api/${Name}/${Path}`
            : never
          : never
        : never;
    }[keyof Upstreams & string];

/** The manifest's entry for a key of {@link RouteKey}. */
type RouteOf<Upstreams, Key> = Key extends `${infer Verb} /api/${infer Rest}`
  ? Rest extends `${infer Name}/${infer Path}`
    ? Name extends keyof Upstreams
      ? Upstreams[Name] extends { readonly routes: infer Routes }
        ? `${Verb} /${Path}` extends keyof Routes
          ? Routes[`${Verb} /${Path}`]
          : never
        : never
      : never
    : never
  : never;

type Member<Of, Name extends string> = Of extends { readonly [Key in Name]: infer Value } ? Value : never;

/** What a value rule accepts: its listed values, or text. Numbers are written out. */
type ValueOf<Rule> = Rule extends { readonly values?: readonly (infer Value)[] }
  ? string extends Value
    ? string | number
    : Value
  : string | number;

type QueryValueOf<Rule> = 'maxCount' extends keyof Rule
  ? ValueOf<Rule> | readonly ValueOf<Rule>[]
  : ValueOf<Rule>;

type ParameterIn<Path> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterIn<Rest>
  : never;

/** Header names are written in lower case or as `If-Match`. */
type TitleCase<Name extends string> = Name extends `${infer First}-${infer Rest}`
  ? `${Capitalize<First>}-${TitleCase<Rest>}`
  : Capitalize<Name>;
type AnyCase<Name extends string> = Name | TitleCase<Name>;
type HeadersOf<Route> = Readonly<
  Partial<
    Record<AnyCase<Extract<Member<Route, 'requestHeaders'>, readonly string[]>[number] | 'accept'>, string>
  >
>;

/** The media types that `api` writes by itself: JSON, and JSON Patch for an array in a PATCH. */
type DefaultBodyType<Key> = Key extends `PATCH ${string}`
  ? 'application/json' | 'application/json-patch+json'
  : 'application/json';

type BodyOf<Key, Route> = [Member<Route, 'body'>] extends [never]
  ? { readonly body?: never; readonly headers?: HeadersOf<Route> }
  : Member<Member<Route, 'body'>, 'types'> extends readonly (infer Type extends string)[]
    ? {
        /** Objects and arrays are sent as JSON; text, blobs, buffers and forms as they are. */
        readonly body?: unknown;
      } & ([Extract<Type, DefaultBodyType<Key>>] extends [never]
        ? { readonly headers: HeadersOf<Route> & RequiredContentType<Type> }
        : {
            readonly headers?: HeadersOf<Route> & Partial<Record<AnyCase<'content-type'>, Type>>;
          })
    : never;
type RequiredContentType<Type extends string> =
  { readonly 'content-type': Type } | { readonly 'Content-Type': Type };

interface CallOptions {
  readonly signal?: AbortSignal;
  /** The call does not count as user activity. */
  readonly background?: boolean;
}

/** Of a call where no manifest is given. */
export interface AnyCallOptions extends CallOptions {
  readonly parameters?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly headers?: HeadersInit;
  readonly body?: unknown;
}
type QueryValue = string | number | boolean | readonly (string | number | boolean)[] | undefined;

/** What `api` takes with a route. */
export type ApiOptions<Upstreams, Key> = unknown extends Upstreams
  ? AnyCallOptions
  : CallOptions &
      ([ParameterIn<Key>] extends [never]
        ? { readonly parameters?: Readonly<Record<string, never>> }
        : {
            readonly parameters: {
              readonly [Name in ParameterIn<Key>]: ValueOf<
                Member<Member<RouteOf<Upstreams, Key>, 'parameters'>, Name>
              >;
            };
          }) &
      ([Member<RouteOf<Upstreams, Key>, 'query'>] extends [never]
        ? { readonly query?: Readonly<Record<string, never>> }
        : {
            readonly query?: {
              readonly [Name in keyof Member<RouteOf<Upstreams, Key>, 'query'>]?:
                QueryValueOf<Member<RouteOf<Upstreams, Key>, 'query'>[Name]> | undefined;
            };
          }) &
      BodyOf<Key, RouteOf<Upstreams, Key>>;

/** The options may be left out where none is required. */
export type ApiArguments<Upstreams, Key> =
  Record<string, never> extends ApiOptions<Upstreams, Key>
    ? [options?: ApiOptions<Upstreams, Key>]
    : [options: ApiOptions<Upstreams, Key>];

/** A browser's window; the fake for tests gives one of its own. Without a document nothing is watched. */
export type Surroundings = Pick<
  Window & typeof globalThis,
  | 'addEventListener'
  | 'Date'
  | 'fetch'
  | 'location'
  | 'performance'
  | 'removeEventListener'
  | 'reportError'
  | 'sessionStorage'
> &
  Partial<Pick<Window & typeof globalThis, 'BroadcastChannel' | 'document' | 'WebSocket'>> & {
    readonly navigator?: Partial<Pick<Navigator, 'locks'>>;
  };

/** How a client finds out who is signed in. */
export interface Pace {
  /** Asks now. */
  readonly ask: () => Promise<void>;
  /** How much longer than usual it waits from one response to the next request, in milliseconds. */
  extraIntervalMs: number;
}

/** Pushes the end of a session to a client. */
export type SessionEvents = (win: Surroundings, client: SessionClient, pace: Pace) => void;

export interface BffOptions {
  /** `sessionEvents()` of `cis2-bff/client/events` pushes the end of a session. @default the page asks every 4 seconds */
  readonly events?: SessionEvents;
}

/** `fetch`'s own, and whether the call counts as activity. */
export interface FetchOptions extends RequestInit {
  /** The call does not count as user activity. */
  readonly background?: boolean;
}

/** What the page knows of the session, in the shape that `useSyncExternalStore` takes. */
export interface SessionSource {
  /** The state now: the same object until it changes. */
  readonly get: () => SessionState;
  /** Calls the listener on every change. @returns a function that ends it */
  readonly subscribe: (listener: () => void) => () => void;
}

/**
 * The browser's side of the BFF. Every member that gives a promise rejects with a {@link BffError}, or with an
 * `AbortError` when its own `signal` was aborted, and with nothing else.
 */
export interface SessionClient {
  readonly session: SessionSource;
  /** Goes to `/auth/login`. Settles when the page is being left, or after 10 seconds. */
  readonly signIn: (options?: SignInOptions) => Promise<void>;
  /** Ends the session in every tab, and goes where the response says. */
  readonly signOut: () => Promise<void>;
  /** Counts as user activity: the idle limit starts anew. */
  readonly extend: () => Promise<void>;
  /** Works in another of the person's roles from now on. */
  readonly chooseRole: (roleId: string) => Promise<void>;
  /** Where the person is signed in. */
  readonly sessions: () => Promise<ListedSession[]>;
  /** Ends one of the person's own sessions. */
  readonly endSession: (handle: string) => Promise<void>;
  /** As `api`, for a path of this origin of one's own. */
  readonly fetch: (input: string | URL | Request, init?: FetchOptions) => Promise<Response>;
  /** Ends timers, channels and connections. */
  readonly stop: () => void;
}

/** A {@link SessionClient} that knows the calls of a manifest. */
export interface Bff<Upstreams = unknown> extends SessionClient {
  /**
   * A call of the manifest.
   *
   * @param route - `GET /api/pds/Patient/{id}`
   * @returns the response, of status 2xx or 304
   * @throws BffError `upstream_refused` with `response` for the upstream's other responses
   */
  readonly api: <Key extends RouteKey<Upstreams>>(
    route: Key,
    ...options: ApiArguments<Upstreams, Key>
  ) => Promise<Response>;
}
