/** What the API proxy of a local run calls: what the options name, and simulators in place of the rest. */
import type { Introspection } from './api-platform-simulator/index.ts';
import { StartError } from './errors.ts';
import type { LogSink } from './cli/log.ts';
import type { LoopbackServer } from './loopback-server.ts';
import type { Options } from './cli/options.ts';
import type { Opened } from './run.ts';

/**
 * How long a simulator caches our public keys: never longer than a key is published before it signs, as it is deployed. Else
 * a second rotation within an hour, which a local run allows, would lock us out for the rest of it.
 *
 * @param maxSeconds - for how long the real one caches them
 */
export const simulatedCacheSeconds = ({ settings }: Options, maxSeconds: number): number =>
  Math.min(Number(settings.KEY_LEAD_SECONDS), maxSeconds);

export interface ApiServices {
  readonly tokenUrl: string;
  /** By its name in the route manifest; what is neither given nor simulated is not here. */
  readonly upstreams: Readonly<Record<string, string>>;
  /** For people, a line each. */
  readonly summary: readonly string[];
}

interface ServiceContext {
  /** The upstreams that there are. */
  readonly names: readonly string[];
  /** The port of the one origin. The simulators take the ports after that of CIS2's, where they are free. */
  readonly port: number;
  readonly issuer: string;
  /** Where our public keys for the platform are. */
  readonly jwksUri: string;
  readonly log: LogSink;
  readonly opened: Opened;
}

/** A token of a platform that is none of ours: whose it is cannot be known, so nothing is asked of it. */
const anybody = (apiKey: string): Introspection => ({
  uid: '',
  aal: '',
  roles: [],
  selectedRoleId: undefined,
  apiKey,
});

/**
 * @throws StartError for an option that names an upstream there is not
 * @throws the socket's error when no port can be had
 */
export async function startApiServices(
  options: Options,
  { names, port, issuer, jwksUri, log, opened }: ServiceContext,
): Promise<ApiServices> {
  const { application, tokenExchangeUrl } = options;
  const unknownName = Object.keys(options.upstreams).find((name) => !names.includes(name));
  if (unknownName !== undefined) {
    throw new StartError(
      `--upstream names ${JSON.stringify(unknownName)}, and the route manifest has ${names.join(', ')}`,
    );
  }
  const serverOptions = (offset: number, event: string) => ({
    port: port + offset <= 65_535 ? port + offset : 0,
    fallbackToFreePort: true,
    log: (message: string) => {
      log.entry('info', event, { message });
    },
  });
  const startPlatform = async () => {
    const { startApiPlatformSimulator, defaultKeyCacheSeconds } =
      await import('./api-platform-simulator/index.ts');
    const simulator = await startApiPlatformSimulator({
      applications: [{ ...application, jwksUri }],
      issuer,
      keyCacheSeconds: simulatedCacheSeconds(options, defaultKeyCacheSeconds),
      ...serverOptions(2, 'api_platform_simulator'),
    });
    return opened(simulator);
  };
  const platform = tokenExchangeUrl === undefined ? await startPlatform() : undefined;

  const simulators: Readonly<Record<string, () => Promise<LoopbackServer>>> = {
    pds: async () => {
      const { startPdsSimulator } = await import('./pds-simulator/index.ts');
      return startPdsSimulator({
        platform: platform ?? { introspect: () => anybody(application.apiKey) },
        ...serverOptions(3, 'pds_simulator'),
      });
    },
  };
  const upstreams: Record<string, string> = {};
  const lines: string[] = [];
  for (const name of names) {
    const given = options.upstreams[name];
    const simulator = given === undefined ? await simulators[name]?.().then(opened) : undefined;
    const url = given ?? simulator?.url;
    if (url !== undefined) upstreams[name] = url;
    const what = simulator === undefined ? url : `simulator, ${simulator.url}`;
    lines.push(`${name}: ${what ?? `not there, for want of --upstream ${name}=URL`}`);
  }
  return {
    tokenUrl: tokenExchangeUrl ?? platform?.tokenUrl ?? '',
    upstreams,
    summary: [
      `tokens: ${platform === undefined ? (tokenExchangeUrl ?? '') : `API platform simulator, ${platform.url}`}`,
      ...lines,
    ],
  };
}
