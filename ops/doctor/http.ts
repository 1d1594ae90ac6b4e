import { parseJson } from '../../lambdas/common/json.ts';
import { Fault } from './check.ts';

export interface HttpResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
  readonly isPage: boolean;
  /** How far the sender's clock is ahead of this machine's, in seconds, by its `Date`; undefined without one. */
  readonly clockAhead: number | undefined;
}

const maxBody = 512 * 1024;

/** Why no response came: the code of the error, or of what caused it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown reason';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  return error.cause === undefined ? error.message.slice(0, 100) : reasonOf(error.cause);
}

export interface Server {
  /** Names it in a fault. */
  readonly name: string;
  /** What to do when no response comes. */
  readonly advice?: string;
  /** How long a response may take, in milliseconds. */
  readonly maxMs?: number;
}

const generalAdvice =
  'Check that it runs, that its name resolves to it, and that no firewall or proxy blocks the way.';

/**
 * Sends a request, and follows no redirect.
 *
 * @throws Fault when no response comes
 */
export async function ask(
  { name, advice = generalAdvice, maxMs = 15_000 }: Server,
  url: string,
  init: RequestInit = {},
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
      isPage: /^text\/html\b/i.test(response.headers.get('content-type') ?? ''),
      clockAhead: Number.isNaN(date) ? undefined : Math.round((date + 500 - Date.now()) / 1_000),
    };
  } catch (error) {
    const isTimeout = error instanceof Error && error.name === 'TimeoutError';
    const reason = isTimeout ? `within ${String(maxMs / 1_000)} s` : `(${reasonOf(error)})`;
    const { origin, pathname } = new URL(url);
    throw new Fault(
      `${name} does not respond at ${origin}${pathname} ${reason}`,
      /CERT|TLS|SSL|SELF_SIGNED|UNABLE_TO_VERIFY/i.test(reason)
        ? 'This machine does not trust its certificate: check the issuer, the names and the dates; for a test authority set NODE_EXTRA_CA_CERTS.'
        : advice,
    );
  }
}

/** JSON of a response; undefined for what is not JSON. */
export const jsonOf = ({ body }: HttpResponse): unknown => parseJson(body);
