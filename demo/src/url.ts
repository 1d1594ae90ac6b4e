/**
 * An address, relative to this page; `null` when it is none. (`URL.parse` is newer than the oldest browsers that these
 * pages are for.)
 */
export function parseUrl(address: string): URL | null {
  try {
    return new URL(address, location.origin);
  } catch {
    return null;
  }
}
