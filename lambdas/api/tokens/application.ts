import { cachedInMemory, isObject, parseJson, Secret, type Clock } from '../../common/index.ts';
import { ApplicationUnavailable } from './errors.ts';

/** The credentials of our application at the API platform. */
export interface Application {
  readonly apiKey: string;
  readonly apiSecret: Secret;
}

/**
 * The application's credentials in Secrets Manager: `{"apiKey":"…","apiSecret":"…"}`.
 *
 * @param readText - reads the text of the secret
 * @throws ApplicationUnavailable when they cannot be read or are invalid
 */
export async function loadApplication(readText: () => Promise<string | undefined>): Promise<Application> {
  const text = await readText().catch((cause: unknown) => {
    throw new ApplicationUnavailable('the application’s credentials could not be read', { cause });
  });
  return readApplication(text);
}

const isCredential = (value: unknown): value is string =>
  typeof value === 'string' && /^[\x21-\x7e]{1,512}$/.test(value);

function readApplication(text: string | undefined): Application {
  const value = parseJson(text ?? '');
  if (value === undefined) throw new ApplicationUnavailable('the application’s credentials are not JSON');
  const { apiKey, apiSecret } = isObject(value) ? value : {};
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
 * @param options.onStale - called when they are used for longer, because reading them again failed
 * @returns gives the credentials; given refused ones, it reads them again at once. Throws ApplicationUnavailable when
 *   there are none
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
