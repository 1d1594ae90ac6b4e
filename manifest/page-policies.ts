/** Headers of the page's own documents: as strict as a clinical app can live with, and what an app adds to them. */
import { extendableDirectives, type BffConfig } from './bff-config.ts';

const strictPolicy: Readonly<Record<string, readonly string[]>> = {
  'default-src': ["'self'"],
  'img-src': ["'self'"],
  'font-src': ["'self'"],
  'object-src': ["'none'"],
  'base-uri': ["'none'"],
  'form-action': ["'self'"],
  'frame-ancestors': ["'none'"],
};

/** The Content-Security-Policy (CSP Level 3) with an app's additions. */
export function contentSecurityPolicyOf(additions: BffConfig['contentSecurityPolicy'] = {}): string {
  const directives = { ...strictPolicy };
  for (const name of extendableDirectives) {
    const sources = additions[name] ?? [];
    // A directive that is there takes the place of default-src, so it says 'self' again.
    if (sources.length > 0) directives[name] = [...new Set(["'self'", ...sources])];
  }
  return Object.entries(directives)
    .map(([name, sources]) => [name, ...sources].join(' '))
    .join('; ');
}

/** What a page of a clinical app has no use for, so that nothing that gets into it has either. */
const nobody = [
  'camera',
  'display-capture',
  'geolocation',
  'microphone',
  'midi',
  'payment',
  'publickey-credentials-get',
  'serial',
  'usb',
];

/** The Permissions-Policy with an app's own entries. */
export function permissionsPolicyOf(entries: BffConfig['permissionsPolicy'] = {}): string {
  const features = {
    ...Object.fromEntries(nobody.map((name) => [name, [] as readonly string[]])),
    ...entries,
  };
  return Object.entries(features)
    .map(([name, origins]) => {
      const allowed = origins.map((origin) => (origin === 'self' ? origin : `"${origin}"`));
      return `${name}=(${allowed.join(' ')})`;
    })
    .join(', ');
}
