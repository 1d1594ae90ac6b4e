/** `cis2-bff/client/sign-in`: for the pages around a sign-in: where it failed, where it began, and where else there is one. */
import { pageAddressOf } from '../core.ts';
import { BffError } from '../errors.ts';
import type { ActiveState, ListedSession, SessionClient, SignInOptions } from '../types.ts';

const signInKey = 'cis2-bff:last-sign-in';
const othersKey = 'cis2-bff:other-sessions';

/** A browser that blocks cookies refuses its storage as well, by throwing: such a tab keeps nothing. */
function attempt<Result>(action: () => Result): Result | null {
  try {
    return action();
  } catch {
    return null;
  }
}

/** The address of this page, where a sign-in can come back to it: `/` for one that is too long. */
export const pageAddress = (): string => pageAddressOf(location);

/** Starts a sign-in, and remembers it in this tab until somebody is signed in: a failed one comes back without its options. */
export function startSignIn(client: SessionClient, options: SignInOptions = {}): Promise<void> {
  const given = { returnTo: pageAddress(), ...options };
  attempt(() => sessionStorage.setItem(signInKey, JSON.stringify(given)));
  return client.signIn(given);
}

/**
 * The sign-in that this tab began last ({@link startSignIn}), to be tried again: `returnTo` is a path of this origin, `/`
 * where nothing is known. An `acr` is left out.
 */
export function lastSignIn(): SignInOptions & { readonly returnTo: string } {
  const stored =
    attempt(() => JSON.parse(sessionStorage.getItem(signInKey) ?? '{}') as SignInOptions | null) ?? {};
  const target = attempt(() => new URL(String(stored.returnTo), location.origin));
  const isOwn =
    typeof stored.returnTo === 'string' &&
    target?.origin === location.origin &&
    /^\/(?!\/)/.test(target.pathname);
  return {
    ...(stored.reauth === true ? { reauth: true } : {}),
    ...(stored.role === 'change' || stored.role === 'select' ? { role: stored.role } : {}),
    returnTo: isOwn ? target.pathname + target.search + target.hash : '/',
  };
}

/** Forgets the sign-in that this tab began last. `RequireSession` of `cis2-bff/client/react` does it for you. */
export const forgetSignIn = (): void => void attempt(() => sessionStorage.removeItem(signInKey));

/** Whether this browser keeps cookies like those of the BFF. One is set and taken away: a browser may claim to. */
export function keepsCookies(): boolean {
  if (!navigator.cookieEnabled) return false;
  const set = (value: string): string =>
    (document.cookie = `__Host-cookie-check=${value}; Secure; SameSite=Lax; Path=/`);
  set('1; Max-Age=60');
  const isKept = document.cookie.includes('__Host-cookie-check=1');
  set('; Max-Age=0');
  return isKept;
}

/** What the address of the sign-in error page says. Anybody can have written it: look the codes up, and show no other. */
export interface SignInError {
  /** A code of the HTTP interface; `no_cookies` when a sign-in expired because this browser keeps none. */
  readonly code: string | null;
  /** Of `role_required`: which roles the person lacks. */
  readonly reason: string | null;
  /** Finds the entry in the service's log; `null` unless it has the BFF's exact format. */
  readonly reference: string | null;
}

/** Reads the address of the sign-in error page. */
export function signInError(): SignInError {
  const query = new URLSearchParams(location.search);
  const [code, reference] = [query.get('code'), query.get('reference') ?? ''];
  return {
    code: code === 'login_expired' && !keepsCookies() ? 'no_cookies' : code,
    reason: query.get('reason'),
    reference: /^[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z]{4}){2}$/.test(reference) ? reference : null,
  };
}

/**
 * Whether the person has proved who they are in the last five minutes, by the server's clock, as the BFF wants it of whoever
 * ends a session elsewhere.
 */
export const signedInLately = ({ assurance, expires, remainingSeconds }: ActiveState): boolean =>
  +expires.at - remainingSeconds() * 1_000 - +assurance.authenticatedAt < 300_000;

/** Ends these sessions of the person's. One that had ended already is just as well. */
export async function endSessions(client: SessionClient, sessions: readonly ListedSession[]): Promise<void> {
  const end = ({ handle }: ListedSession): Promise<void> =>
    client.endSession(handle).catch((error: unknown) => {
      // Not found by the BFF, and not by something on the way to it.
      if (!(error instanceof BffError && error.code === 'not_found' && error.problem)) throw error;
    });
  await Promise.all(sessions.map(end));
}

/** One sign-in: the moment of it does not change with the role, as the session's handle does. */
const signInOf = ({ assurance }: ActiveState): string => assurance.authenticatedAt.toISOString();

/** The person was signed in elsewhere when they signed in, and has not said yet what about that. */
export const asksAboutOthers = (session: ActiveState): boolean =>
  Boolean(session.otherSessions) && attempt(() => sessionStorage.getItem(othersKey)) !== signInOf(session);

/** The person has said what about their other sessions: they are not asked again in this tab after this sign-in. */
export const answerAboutOthers = (session: ActiveState): void =>
  void attempt(() => sessionStorage.setItem(othersKey, signInOf(session)));

/** Forgets the answer. `RequireSession` of `cis2-bff/client/react` does it for you. */
export const forgetAnswer = (): void => void attempt(() => sessionStorage.removeItem(othersKey));
