/** Headers that no route can list, in lower case. */

/** Ours to set, the browser's own, or a matter between two neighbours on the way. */
export const reservedRequestHeaders =
  /^(?:accept|accept-encoding|authorization|connection|content-.*|cookie.*|expect|forwarded|from|host|keep-alive|nhsd-.*|origin|proxy-.*|referer|sec-.*|te|trailer|transfer-encoding|upgrade|user-agent|via|x-amz.*|x-background|x-bff-.*|x-correlation-id|x-csrf|x-forwarded-.*|x-http-method.*|x-method-override|x-original-.*|x-real-ip|x-request-id|x-rewrite-.*|x-session|x-user.*|cloudfront-.*)$/;

/** What a response of ours says of itself, what gives a page rights, and what a browser would act upon. */
export const reservedResponseHeaders =
  /^(?:access-control-.*|age|alt-svc|authentication-info|authorization|cache-control|clear-site-data|connection|content-encoding|content-length|content-location|content-range|content-security-policy.*|content-type|cross-origin-.*|date|etag|expect-ct|expires|keep-alive|last-modified|link|location|nel|origin-agent-cluster|permissions-policy|pragma|proxy-.*|public-key-pins.*|referrer-policy|refresh|report-to|reporting-endpoints|retry-after|sec-.*|server.*|service-worker.*|set-cookie.*|sourcemap|speculation-rules|strict-transport-security|supports-loading-mode|te|timing-allow-origin|trailer|transfer-encoding|upgrade|vary|via|warning|www-authenticate|x-bff-.*|x-content-type-options|x-dns-prefetch-control|x-frame-options|x-powered-by|x-request-id|x-sourcemap|x-xss-protection)$/;
