/**
 * Headers of every response under `/auth` and `/api`. The functions send them; CloudFront adds them to other responses: of the
 * firewall, the gateway, and its own.
 */

/** How long a browser uses HTTPS only, in seconds: two years. The SPA's documents say the same. */
export const strictTransportSecuritySeconds = 63_072_000;

/** Name → value. A response's own header of the same name wins. */
export const responseHeaders = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': `max-age=${String(strictTransportSecuritySeconds)}; includeSubDomains`,
  'x-content-type-options': 'nosniff',
} as const;
