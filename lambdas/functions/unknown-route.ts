/** Answers everything under our prefixes that no other function does. It may touch nothing at all. */
import { unknownRouteFunction } from '../http/index.ts';
import { startFunction } from '../start.ts';

const { settings, log } = startFunction('unknown-route');

export const handler = unknownRouteFunction({
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
});
