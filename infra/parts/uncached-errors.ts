/** Every error that CloudFront would otherwise cache for ten seconds, and give to somebody else. */
export const uncachedErrors = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];
