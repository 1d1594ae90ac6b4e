/** The ways into a sign-in, and what this tab remembers of the one it began. */

import { h } from './dom.ts';
import { tabStorage } from './tab-storage.ts';
import { parseUrl } from './url.ts';

export interface SignIn {
  /** The path of this origin where it ends. */
  readonly returnTo: string;
  /** A level of authentication above what the service always asks for. */
  readonly acr?: string;
  /** Care Identity's own choice of role. */
  readonly role?: 'change';
  /** The person has to prove that it is them, however lately they did. */
  readonly reauth?: '1';
}

const path = '/auth/login';
const storageKey = 'sign-in';

/** Where a sign-in starts. To be navigated to, not fetched. */
export const signInUrl = (signIn: SignIn): string =>
  `${path}?${new URLSearchParams(Object.entries(signIn)).toString()}`;

/**
 * A link that starts a sign-in. When that fails, the way back tells nothing of where it was to lead, so this tab keeps it
 * until somebody is signed in or has signed out.
 */
export function signInLink(text: string, signIn: SignIn, classes: string): HTMLAnchorElement {
  const url = signInUrl(signIn);
  const link = h('a', { class: classes, href: url, draggable: 'false' }, text);
  link.addEventListener('click', () => {
    tabStorage.set(storageKey, url);
  });
  return link;
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** A path of this origin, as the backend takes it: the longest is 1,024 bytes, and none under its own prefixes. */
export function isOwnPath(value: string): boolean {
  const url = parseUrl(value);
  return (
    value.startsWith('/') &&
    value.length <= 1_024 &&
    url?.origin === location.origin &&
    !/^\/(?:\/|(?:auth|api)(?:\/|$))/.test(decoded(url.pathname))
  );
}

/** The sign-in that this tab began last, to be tried again. Whatever else is found there is nobody's sign-in. */
export function lastSignIn(): SignIn {
  const url = parseUrl(tabStorage.get(storageKey) ?? '');
  const query = url?.pathname === path ? url.searchParams : new URLSearchParams();
  const returnTo = query.get('returnTo') ?? '/';
  const acr = query.get('acr');
  return {
    returnTo: isOwnPath(returnTo) ? returnTo : '/',
    ...(acr === null ? {} : { acr }),
    ...(query.get('role') === 'change' ? { role: 'change' } : {}),
    ...(query.get('reauth') === '1' ? { reauth: '1' } : {}),
  };
}

export const forgetSignIn = (): void => {
  tabStorage.remove(storageKey);
};
