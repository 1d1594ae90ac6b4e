import { isObject, parseJson } from '../lambdas/common/json.ts';
import { reasonOf, StartError } from './errors.ts';
import { requestText } from './http-request.ts';

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
  const headers = { accept: 'application/json' };
  const response = await requestText(url, { headers, seconds }).catch((error: unknown) => {
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
  const document = parseJson(body);
  const named = isObject(document) ? document['issuer'] : undefined;
  return typeof named === 'string' ? named : undefined;
}
