/** Every rate limit of a deployment, from the edge inwards. An environment or an app can set those that are defaults. */
import { bffPrefixes } from '../../lambdas/routes.ts';

/** The firewall: requests that one address may send in `firewallWindowSeconds`. */
export const firewallWindowSeconds = 300;
/** To `/auth/login`, and as many to `/auth/callback`. A hospital has one address: this is ten sign-ins a second. */
export const defaultSignInsPerAddress = 3_000;
/**
 * To `/auth/backchannel-logout`, and as many to the public keys: twenty a second, less than the gateway takes there, so that one
 * address does not use it up. CIS2 may send every logout from one address: five thousand people within five minutes fit.
 */
export const defaultLogoutsPerAddress = 6_000;
/**
 * To every path together: 400 a second, less than the gateway takes on one route. A page in view asks every four seconds, and with 40
 * calls in ten minutes it sends a request in three: this is 1,200 people behind one address with the page in view at the same time.
 * With `sessionEvents` it is 4,000.
 */
export const defaultRequestsPerAddress = 120_000;

/** The gateway: requests to a route a second, over all users, and how many may come at once before that rate counts. */
export const defaultRequestsPerSecond = 500;
export const defaultRequestBurst = 1_000;

/**
 * Route → the part of the gateway's rate that it gets, where that is less than all: what anybody can call, without being signed in,
 * costs little. Callbacks cost CIS2 a call each, for up to a second as a rule: thirty a second, which are all
 * that their function has instances for in production.
 */
export const routeShares: Readonly<Record<string, number>> = {
  'ANY /auth/login': 0.2,
  'ANY /auth/callback': 0.06,
  'ANY /auth/backchannel-logout': 0.1,
  'ANY /auth/jwks.json': 0.05,
  'ANY /auth/jwks/api-platform.json': 0.05,
  ...Object.fromEntries(bffPrefixes.map((prefix) => [`ANY ${prefix}/{proxy+}`, 0.05])),
  $default: 0.02,
};

/**
 * The part of it that the WebSocket API for session events gets, beside the gateway's. A page connects when it is loaded, and again
 * when it was cut off.
 */
export const eventsShare = 0.2;

/** What the gateway takes on one route, over all users. */
export interface RouteRate {
  /** Requests a second above which it answers 429. */
  readonly requestsPerSecond: number;
  /** Requests that may come at once before that rate counts. */
  readonly requestBurst: number;
}

/** The lowest rate of a route, a second: with fewer, two people at once would be refused. */
const minRouteRate = 5;

/** A part of a rate, as the gateway takes it. */
export const shareOf = ({ requestsPerSecond, requestBurst }: RouteRate, share: number) => ({
  rateLimit: Math.max(minRouteRate, Math.round(requestsPerSecond * share)),
  burstLimit: Math.max(minRouteRate, Math.round(requestBurst * share)),
});

/** The API proxy: calls of one session in a window of a minute, or of a fifteenth of the idle limit if that is less. */
export const defaultCallsPerWindow = 250;
