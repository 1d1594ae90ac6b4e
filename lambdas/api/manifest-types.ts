/** The definitions of upstreams and routes: plain data, from which documents, types and a file are made. */
import type { RoleRule } from '../settings/index.ts';
import type { QueryRule, ValueRule } from './value-rules.ts';

export const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;
export type Method = (typeof methods)[number];

/** Whose access token a call carries: none, CIS2's own, or the NHS API platform's. */
export const tokenKinds = ['none', 'cis2', 'api-platform'] as const;
export type TokenKind = (typeof tokenKinds)[number];

/** What a route takes, from whom, and how it is called. */
export interface RouteDefinition {
  /** One line for documents. */
  readonly summary: string;
  /** What each `{name}` of the path may be. Never a slash, a step to another path or a percent sign, whatever it says. */
  readonly parameters?: Readonly<Record<string, ValueRule>>;
  /** The query parameters there are. Any other is refused. @default none */
  readonly query?: Readonly<Record<string, QueryRule>>;
  /** Headers of the browser's that are passed on, in lower case. @default none */
  readonly requestHeaders?: readonly string[];
  /** Headers of the upstream's that are passed back beside the usual ones, in lower case. @default none */
  readonly responseHeaders?: readonly string[];
  /** The body that is taken. @default none */
  readonly body?: {
    /** Media types, in lower case and without parameters. */
    readonly types: readonly string[];
    readonly maxBytes: number;
  };
  readonly token: TokenKind;
  /** The minimum authentication assurance level; with less, the user has to sign in again. @default the application's own */
  readonly minimumAal?: 2 | 3;
  /** Seconds since the user proved who they are at CIS2 after which they have to sign in again. @default any age */
  readonly maximumSignInAge?: number;
  /** What the user must work as: nothing in particular, any role, or one that a rule accepts. */
  readonly role: 'none' | 'chosen' | readonly RoleRule[];
  /** Maximum time for the upstream, in seconds, all tries together. @default 20 */
  readonly timeoutSeconds?: number;
  /** Whether a call shows that the user is there. @default true */
  readonly countsAsActivity?: boolean;
}

/** An API that pages may call, without its address: that differs between environments. */
export interface UpstreamDefinition {
  /** One line for documents. */
  readonly title: string;
  /** Media types that a client may ask for; the first is asked for when it names none of them. */
  readonly accept: readonly string[];
  /** `METHOD /path` → what the route takes. `{name}` stands for one segment. */
  readonly routes: Readonly<Record<`${Method} /${string}`, RouteDefinition>>;
}

/** Name → upstream. The name is the first segment of its routes: `/api/NAME/…`. */
export type UpstreamDefinitions = Readonly<Record<string, UpstreamDefinition>>;

/** The names of the parameters in a path. */
type ParameterIn<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | ParameterIn<Rest>
  : never;

/** A route whose parameters are those of its path. */
type RouteOf<Key extends string> = RouteDefinition &
  ([ParameterIn<Key>] extends [never]
    ? { readonly parameters?: undefined }
    : { readonly parameters: Readonly<Record<ParameterIn<Key>, ValueRule>> });

/** Upstreams of which every route has a rule for each parameter of its path, and for no other. */
export type RoutesChecked<Upstreams> = {
  readonly [Name in keyof Upstreams]: Upstreams[Name] extends { readonly routes: infer Routes }
    ? {
        readonly routes: {
          readonly [Key in keyof Routes]: Key extends `${Method} /${string}` ? RouteOf<Key> : never;
        };
      }
    : never;
};
