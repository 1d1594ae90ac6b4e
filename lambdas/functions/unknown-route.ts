/** Responds to all paths under our prefixes that no other function has. It has no access to any resource. */
import { unknownRouteFunction } from '../http/index.ts';
import { startFunction } from '../start.ts';

const { settings, log } = startFunction('unknown-route');

export const handler = unknownRouteFunction({
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
});
