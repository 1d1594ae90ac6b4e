/**
 * For how long our published key set is cached, and by whom. The function that serves it, CloudFront, and the rotation use
 * these times, in seconds.
 */

/** The `max-age` of the key set. */
export const keySetMaxAgeSeconds = 3_600;

/**
 * How long CloudFront caches the key set, regardless of `max-age`: long enough to keep load from the function, short because a
 * change of keys waits for it.
 */
export const keySetEdgeCacheSeconds = 60;

/**
 * How long a new key may take until it is served everywhere: two caches of CloudFront, the one near the reader and the regional
 * one, each keep a set for their time. Ten seconds more are for the requests.
 */
export const maxKeySetDelaySeconds = 2 * keySetEdgeCacheSeconds + 10;

/** How long the API platform caches a key set. It does not read it again for a key that it does not know. */
export const apiPlatformKeySetCacheSeconds = 3_600;

/** CIS2 does not say how long it caches a key set. A day is the shortest time that is safe to assume. */
export const cis2KeySetCacheSeconds = 86_400;
