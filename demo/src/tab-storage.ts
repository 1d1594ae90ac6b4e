/** What this tab keeps for itself, and whether a sign-in can work in this browser at all. */
import type { SignInOptions } from '../../client/index.ts';

/** A browser that blocks cookies refuses its storage as well, by throwing: such a tab keeps nothing. */
function attempt<Result>(action: () => Result): Result | null {
  try {
    return action();
  } catch {
    return null;
  }
}
export const tabStorage = {
  get: (key: string): string | null => attempt(() => sessionStorage.getItem(key)),
  set: (key: string, value: string) => attempt(() => sessionStorage.setItem(key, value)),
  remove: (key: string) => attempt(() => sessionStorage.removeItem(key)),
};

/** The address of this page, where a sign-in can come back to it. */
export function here(): string {
  const path = location.pathname + location.search;
  return path.length > 1_024 || path.startsWith('//') ? '/' : path;
}

export const rememberSignIn = (options: SignInOptions): unknown =>
  tabStorage.set('sign-in', JSON.stringify(options));

/** The sign-in that this tab began last, to be tried again. Whatever else is found there is nobody's sign-in. */
export function lastSignIn(): SignInOptions & { readonly returnTo: string } {
  const stored = attempt(() => JSON.parse(tabStorage.get('sign-in') ?? '{}') as SignInOptions | null) ?? {};
  const target = attempt(() => new URL(String(stored.returnTo), location.origin));
  const isOwn =
    typeof stored.returnTo === 'string' &&
    target?.origin === location.origin &&
    /^\/(?!\/)/.test(target.pathname);
  return {
    ...(stored.reauth === true ? { reauth: true } : {}),
    ...(stored.role === 'change' ? { role: 'change' } : {}),
    returnTo: isOwn ? target.pathname + target.search : '/',
  };
}

/** One cookie like those of the backend is set and taken away: a browser may say that it takes cookies, and leave these out. */
export function keepsCookies(): boolean {
  if (!navigator.cookieEnabled) return false;
  const set = (value: string) =>
    (document.cookie = `__Host-cookie-check=${value}; Secure; SameSite=Lax; Path=/`);
  set('1; Max-Age=60');
  const isStored = document.cookie.includes('__Host-cookie-check=1');
  set('; Max-Age=0');
  return isStored;
}
