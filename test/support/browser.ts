/** A browser as far as HTTP goes: a cookie jar, navigation, and the page's own `fetch`. */
import { recordExchange, recording } from './exchanges.ts';
import type { Provider } from './provider.ts';

export interface SessionJson {
  readonly status: 'active' | 'anonymous' | 'ended';
  readonly reason?: string;
  readonly handle: string;
  readonly user: Record<string, unknown>;
  readonly assurance: Record<string, unknown>;
  readonly role: Record<string, unknown> | null;
  readonly roles: Record<string, unknown>[];
  readonly expires: Record<'at' | 'idleAt' | 'absoluteAt' | 'bindingLimit' | 'warnAt', string>;
  readonly serverTime: string;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly reference: string;
  readonly reason?: string;
  readonly loginUrl?: string;
}

export const sessionCookie = '__Host-Http-session';
export const signInCookie = '__Host-Http-sign-in';

type Init = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

export class Browser {
  readonly baseUrl: string;
  readonly cookies = new Map<string, string>();
  /** Every response so far. */
  readonly responses: Response[] = [];

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl;
  }

  /** A request with the jar's cookies; redirects are not followed. */
  async request(path: string, init: Init = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(cookie === '' ? {} : { cookie }), ...init.headers };
    const response = await fetch(new URL(path, this.baseUrl), { redirect: 'manual', ...init, headers });
    this.responses.push(response.clone());
    if (recording()) {
      const body = typeof init.body === 'string' ? init.body : '';
      recordExchange(
        'product',
        { method: init.method ?? 'GET', target: path, headers: Object.entries(headers), body },
        { status: response.status, headers: response.headers, body: await response.clone().text() },
      );
    }
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      if (value === '' || /;\s*max-age=0/i.test(line)) this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** The page's own `fetch`, with what every guard asks for. */
  api(path: string, init: Init = {}): Promise<Response> {
    return this.request(path, {
      ...init,
      headers: { 'x-csrf': '1', 'sec-fetch-site': 'same-origin', origin: this.baseUrl, ...init.headers },
    });
  }

  async session(headers: Record<string, string> = {}): Promise<SessionJson> {
    return (await (await this.api('/auth/session', { headers })).json()) as SessionJson;
  }

  /** `GET /auth/login`; gives the response and the authorisation request it leads to. */
  async login(query = ''): Promise<{ response: Response; request: URLSearchParams; location: string }> {
    const response = await this.request(`/auth/login${query}`);
    const location = response.headers.get('location') ?? '';
    return { response, location, request: new URL(location || this.baseUrl).searchParams };
  }

  callback(parameters: Record<string, string>): Promise<Response> {
    return this.request(`/auth/callback?${new URLSearchParams(parameters).toString()}`);
  }

  /** A whole sign-in at a provider that behaves as it was told to. */
  async signIn(provider: Provider, query = ''): Promise<Response> {
    const { location } = await this.login(query);
    return this.callback(provider.authorise(location));
  }

  /** What a failed sign-in's redirect tells; undefined when the response is no such thing. */
  static failure(response: Response): { code: string; reference: string } | undefined {
    const location = new URL(response.headers.get('location') ?? '/', 'http://none.invalid');
    const code = location.searchParams.get('code');
    const reference = location.searchParams.get('reference');
    return response.status === 303 &&
      location.pathname === '/sign-in-error' &&
      code !== null &&
      reference !== null
      ? { code, reference }
      : undefined;
  }
}
