/** `/api/*`: forwards what the route manifest lists, with the user's token. It may use the API platform's signing key. */
import { readFileSync } from 'node:fs';
import {
  createUpstreamClient,
  manifestFileName,
  ManifestUnusable,
  readManifestFile,
  routesOf,
  type UpstreamDefinitions,
} from '../api/index.ts';
import { createUserTokens, currentApplication, loadApplication } from '../api/tokens/index.ts';
import { readSecretText, secretsManager, timeLimits } from '../aws/index.ts';
import { systemClock as clock } from '../common/index.ts';
import { proxiedRoutes } from '../handlers/api-proxy.ts';
import { proxyFunction } from '../http/index.ts';
import { currentSigner, loadRing, createSignerOf } from '../keys/index.ts';
import { createProxyStore } from '../session/index.ts';
import { SettingsError } from '../settings/index.ts';
import { startFunction, warmUp } from '../start.ts';
import { edgeOf, logStaleKeys, sessionTable, siteOf } from '../wiring.ts';

const { settings, log } = startFunction('api-proxy');
const manifest = readManifest();
const unknownUpstreams = Object.keys(settings.UPSTREAMS).filter((name) => !Object.hasOwn(manifest, name));
if (unknownUpstreams.length > 0) {
  const problems = [`UPSTREAMS names what the route manifest does not know: ${unknownUpstreams.join(', ')}`];
  log('settings_invalid', { problems });
  throw new SettingsError(problems);
}

const secrets = secretsManager();
const edge = edgeOf(secrets, settings);
const signer = currentSigner({
  load: () => loadRing(secrets, settings.API_PLATFORM_KEYS_SECRET),
  signerOf: createSignerOf({ kmsOptions: timeLimits, clock }),
  cacheSeconds: settings.KEY_CACHE_SECONDS,
  clock,
  onStale: logStaleKeys(log),
});

const application = currentApplication({
  load: () => loadApplication(() => readSecretText(secrets, settings.API_PLATFORM_CREDENTIALS_SECRET)),
  cacheSeconds: settings.KEY_CACHE_SECONDS,
  clock,
  onStale: logStaleKeys(log),
});

const sessions = createProxyStore({
  ...sessionTable(settings),
  callsPerWindow: settings.CALLS_PER_WINDOW,
});

const tokens = createUserTokens({
  tokenUrl: settings.API_PLATFORM_TOKEN_URL,
  application,
  signer,
  clock,
  log,
  onCall: (milliseconds, failed) => {
    log.measure('ApiPlatformLatency', Math.round(milliseconds));
    if (failed) log.measure('ApiPlatformFailed');
  },
});

await warmUp({ settings, log }, [edge.prepare, () => sessions.warmUp(), () => signer(), () => application()]);

export const handler = proxyFunction({
  routes: proxiedRoutes(
    { sessions, tokens, client: createUpstreamClient(), settings, clock },
    routesOf(manifest),
  ),
  ...siteOf(settings, log),
  edge,
});

/** The manifest of the app, in the folder of this function's code. @throws ManifestUnusable: then the function does not start */
function readManifest(): UpstreamDefinitions {
  try {
    return readManifestFile(readManifestText());
  } catch (error) {
    if (error instanceof ManifestUnusable) log('manifest_unusable', { problem: error.message });
    throw error;
  }
}

function readManifestText(): string {
  try {
    return readFileSync(new URL(manifestFileName, import.meta.url), 'utf8');
  } catch {
    throw new ManifestUnusable(`${manifestFileName} is not beside the function's code`);
  }
}
