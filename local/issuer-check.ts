import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { reasonOf, StartError } from './errors.ts';

const maxDocument = 1_048_576;

/**
 * Asks an OpenID provider for its discovery document (OpenID Connect Discovery 1.0 section 4). An issuer is a string
 * and nothing else: what a URL parser would tidy away is part of its name.
 *
 * @param seconds - how long a response may take
 * @returns a warning when it responds, but not as the provider of this name would; undefined when all is well
 * @throws StartError when nothing responds there
 */
export async function checkIssuer(issuer: string, seconds = 5): Promise<string | undefined> {
  const url = `${issuer}/.well-known/openid-configuration`;
  const response = await fetchText(url, seconds).catch((error: unknown) => {
    throw new StartError(`the issuer ${issuer} cannot be reached: ${reasonOf(error)}`);
  });
  if (response.status !== 200)
    return `warning: ${url} answers ${String(response.status)}; sign-in will fail until it is there`;
  const named = issuerIn(response.body);
  return named === issuer
    ? undefined
    : `warning: ${url} names the issuer ${named ?? '(none)'}; sign-in fails unless it is ${issuer}`;
}

function issuerIn(body: string): string | undefined {
  try {
    const document = JSON.parse(body) as unknown;
    const named =
      typeof document === 'object' && document !== null && 'issuer' in document ? document.issuer : undefined;
    return typeof named === 'string' ? named : undefined;
  } catch {
    return undefined;
  }
}

const fetchText = (url: string, seconds: number): Promise<{ status: number; body: string }> =>
  new Promise((resolve, reject) => {
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    const request = get(
      url,
      { agent: false, headers: { accept: 'application/json' }, signal: AbortSignal.timeout(seconds * 1000) },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
          if (body.length > maxDocument) request.destroy(new Error('its discovery document is too long'));
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, body });
        });
        response.on('error', fail);
      },
    );
    const fail = (error: Error): void => {
      reject(error.name === 'AbortError' ? new Error(`no answer within ${String(seconds)} s`) : error);
    };
    request.on('error', fail);
  });
