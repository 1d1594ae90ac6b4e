/** What several functions are given alike, made of their settings and their log. */
import { dynamoDb, edgeSecrets } from './aws/index.ts';
import type { ProviderCall } from './cis2/index.ts';
import { systemClock } from './common/index.ts';
import { edgeCheck } from './http/index.ts';
import type { Settings } from './settings/index.ts';
import { describeError, type Logger } from './telemetry/index.ts';

/** The sessions table, and the limits of a session. */
export const sessionTable = (settings: Settings<'SESSION_TABLE' | 'IDLE_SECONDS' | 'ABSOLUTE_SECONDS'>) => ({
  client: dynamoDb(),
  tableName: settings.SESSION_TABLE,
  limits: { idleSeconds: settings.IDLE_SECONDS, absoluteSeconds: settings.ABSOLUTE_SECONDS },
  clock: systemClock,
});

/** Whether requests came through the edge. @param secrets - the client that reads the edge's secret */
export const edgeOf = (secrets: Parameters<typeof edgeSecrets>[0], settings: Settings<'EDGE_SECRET'>) =>
  edgeCheck(() => edgeSecrets(secrets, settings.EDGE_SECRET));

/** What every function behind the gateway is given: our origin, the error page of the app, and its log. */
export const siteOf = (settings: Settings<'BASE_URL' | 'SIGN_IN_ERROR_PATH'>, log: Logger) => ({
  baseUrl: settings.BASE_URL,
  signInErrorPath: settings.SIGN_IN_ERROR_PATH,
  log,
});

/** Logs and measures what happens in calls to CIS2. */
export const providerHooks = (log: Logger) => ({
  onStale: (document: 'metadata' | 'keys', ageSeconds: number): void => {
    log('provider_metadata_stale', { document, ageSeconds });
  },
  onCall: ({ milliseconds, failed, clockDifference }: ProviderCall): void => {
    log.measure('ProviderLatency', Math.round(milliseconds));
    log.measure('ClockDifference', Math.round(clockDifference));
    if (failed) log.measure('ProviderUnavailable');
  },
});

/** Logs that keys or credentials are used beyond their time, because they could not be read again. */
export const logStaleKeys =
  (log: Logger) =>
  (error: unknown): void => {
    log('signing_keys_stale', { error: describeError(error).error });
  };
