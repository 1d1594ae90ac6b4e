import { parseJson } from '../../lambdas/common/json.ts';
import { Fault } from './check.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  /** How far the sender's clock is ahead of this machine's, in seconds, by its `Date`; undefined without one. */
  readonly clockAhead: number | undefined;
}

const maxBody = 512 * 1024;

const codeOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  const { code, name } = cause as { code?: unknown; name?: unknown };
  return typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown';
};

/**
 * Asks an address, and follows no redirect.
 *
 * @param who - names it in a fault
 * @param maxMs - for how long it may take, in milliseconds
 * @throws Fault when no response comes
 */
export async function ask(
  who: string,
  url: string,
  init: RequestInit = {},
  maxMs = 15_000,
): Promise<HttpResponse> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.timeout(maxMs),
      ...init,
    });
    const body = (await response.text()).slice(0, maxBody);
    const date = Date.parse(response.headers.get('date') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body,
      clockAhead: Number.isNaN(date) ? undefined : Math.round((date + 500 - Date.now()) / 1_000),
    };
  } catch (error) {
    const code = codeOf(error);
    const isCertificate = /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/i.test(code);
    throw new Fault(
      `${who} gives no answer at ${new URL(url).origin} (${code})`,
      isCertificate
        ? 'Its certificate is not one that this machine trusts: look at its issuer, its names and its dates; for a test authority set NODE_EXTRA_CA_CERTS.'
        : 'Look whether it runs, whether the name leads to it, and whether a firewall or a proxy stands between.',
    );
  }
}

/** JSON of a response; undefined for what is not JSON. */
export const jsonOf = ({ body }: HttpResponse): unknown => parseJson(body);
