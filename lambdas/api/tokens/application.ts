import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { cachedInMemory, parseJson, Secret, type Clock } from '../../common/index.ts';
import { ApplicationUnavailable } from './errors.ts';

/** What the API platform knows our application by. */
export interface Application {
  readonly apiKey: string;
  readonly apiSecret: Secret;
}

/**
 * The application's credentials in Secrets Manager: `{"apiKey":"…","apiSecret":"…"}`.
 *
 * @throws ApplicationUnavailable when they cannot be read, or are not that
 */
export async function loadApplication(client: SecretsManagerClient, secretId: string): Promise<Application> {
  let text: string | undefined;
  try {
    // The function's right to read the secret is for the version in force, and asks that the call names it.
    ({ SecretString: text } = await client.send(
      new GetSecretValueCommand({ SecretId: secretId, VersionStage: 'AWSCURRENT' }),
    ));
  } catch (cause) {
    throw new ApplicationUnavailable('the application’s credentials could not be read', { cause });
  }
  return readApplication(text);
}

const isCredential = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value);

function readApplication(text: string | undefined): Application {
  const value = parseJson(text ?? '');
  if (value === undefined) throw new ApplicationUnavailable('the application’s credentials are not JSON');
  const { apiKey, apiSecret } = (value ?? {}) as { apiKey?: unknown; apiSecret?: unknown };
  if (!isCredential(apiKey) || !isCredential(apiSecret)) {
    throw new ApplicationUnavailable('the application’s credentials lack apiKey or apiSecret');
  }
  return { apiKey, apiSecret: new Secret(apiSecret) };
}

const isSame = (one: Application, other: Application): boolean =>
  one.apiKey === other.apiKey && one.apiSecret.expose() === other.apiSecret.expose();

/**
 * The application's credentials, cached in memory.
 *
 * @param options.cacheSeconds - how long they are used before they are read again
 * @param options.onStale - called when they are used beyond that, because reading them again failed
 * @returns gives them; with ones that were refused, it reads at once whether there are others. It throws
 *   ApplicationUnavailable when there are none
 */
export function currentApplication(options: {
  readonly load: () => Promise<Application>;
  readonly cacheSeconds: number;
  readonly clock: Clock;
  readonly onStale: (error: unknown) => void;
}): (refused?: Application) => Promise<Application> {
  const cached = cachedInMemory({ ...options, read: options.load });
  return (refused) => cached(refused && ((found) => isSame(found, refused)));
}
