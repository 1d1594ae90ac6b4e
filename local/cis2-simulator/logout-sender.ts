import { decodeJwt } from 'jose';
import type { ClientRegistration } from './clients.ts';
import {
  logoutClaims,
  logoutKinds,
  type LogoutKind,
  type LogoutMessage,
  type LogoutSubject,
} from './logout-token.ts';
import type { KeyRing } from './signer.ts';

const maxWaitMs = 10_000;
const shownBodyCharacters = 300;
const maxDeliveries = 50;

/** One logout token that was sent, and what came back. */
export interface Delivery {
  /** RFC 3339, by the real clock. */
  readonly at: string;
  readonly clientId: string;
  readonly kind: LogoutKind;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  /** Absent when no response came: see `error`. */
  readonly status?: number;
  /** The beginning of the response's body. */
  readonly body?: string;
  /** Why no response came. */
  readonly error?: string;
  readonly milliseconds: number;
}

/** What to send: to which client, about whom, and how wrong. */
export interface LogoutOrder {
  readonly client: ClientRegistration;
  readonly kind: LogoutKind;
  readonly sub: string | undefined;
  readonly sid: string | undefined;
  readonly idToken: string | undefined;
}

function requestOf(uri: string, { token, carriedBy }: LogoutMessage): { url: string; init: RequestInit } {
  const form = new URLSearchParams({ logout_token: token });
  const method = 'POST';
  switch (carriedBy) {
    case 'form':
      return { url: uri, init: { method, body: form } };
    case 'json':
      return {
        url: uri,
        init: {
          method,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ logout_token: token }),
        },
      };
    case 'query':
      return {
        url: `${uri}${uri.includes('?') ? '&' : '?'}${form.toString()}`,
        init: { method, body: new URLSearchParams() },
      };
  }
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return 'no answer';
  if (error.name === 'TimeoutError') return `no answer within ${String(maxWaitMs / 1_000)} s`;
  return error.cause instanceof Error ? error.cause.message : error.message;
};

interface LogoutSenderOptions {
  readonly issuer: string;
  readonly keys: KeyRing;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

/** Posts logout tokens to clients, as CIS2 does: once, whatever the response. */
export class LogoutSender {
  readonly #options: LogoutSenderOptions;
  readonly #lastTokens = new Map<string, string>();
  readonly #deliveries: Delivery[] = [];
  readonly #closing = new AbortController();

  constructor(options: LogoutSenderOptions) {
    this.#options = options;
  }

  /** The newest first. */
  get deliveries(): readonly Delivery[] {
    return this.#deliveries;
  }

  forget(): void {
    this.#deliveries.length = 0;
  }

  /**
   * Sends one token and waits for the response, at most ten seconds. There is no second try.
   *
   * @throws LogoutImpossible when there is nothing to make this kind of token from
   */
  async send({ client, kind, sub, sid, idToken }: LogoutOrder): Promise<Delivery | undefined> {
    if (client.backchannelLogoutUri === undefined) return undefined;
    const { issuer, keys, log } = this.#options;
    const now = this.#options.now();
    const lastToken = this.#lastTokens.get(client.clientId);
    const subject: LogoutSubject = { issuer, clientId: client.clientId, sub, sid, now };
    const message = await logoutKinds[kind].make({
      claims: logoutClaims(subject),
      key: keys.signing,
      now,
      lastToken,
      lastId: lastToken === undefined ? undefined : decodeJwt(lastToken).jti,
      idToken,
    });
    // Only what would have been accepted is worth repeating.
    if (logoutKinds[kind].expected === 'accepted') this.#lastTokens.set(client.clientId, message.token);
    const { url, init } = requestOf(client.backchannelLogoutUri, message);
    const response = await this.#post(url, init);
    const delivery: Delivery = {
      at: new Date().toISOString(),
      clientId: client.clientId,
      kind,
      sub,
      sid,
      ...response,
    };
    this.#deliveries.unshift(delivery);
    this.#deliveries.length = Math.min(this.#deliveries.length, maxDeliveries);
    const came = response.error === undefined ? String(response.status ?? '') : 'no answer';
    log(`logout token (${kind}) to ${client.clientId}: ${came}, ${String(response.milliseconds)} ms`);
    return delivery;
  }

  /** Nothing is waited for any longer. */
  close(): void {
    this.#closing.abort(new Error('the simulator was stopped'));
  }

  async #post(
    url: string,
    init: RequestInit,
  ): Promise<Pick<Delivery, 'status' | 'body' | 'error' | 'milliseconds'>> {
    const began = performance.now();
    const taken = (): number => Math.round(performance.now() - began);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(maxWaitMs)]);
    try {
      const response = await fetch(url, { ...init, redirect: 'manual', signal });
      const body = (await response.text()).slice(0, shownBodyCharacters);
      return { status: response.status, body, milliseconds: taken() };
    } catch (error) {
      return { error: reasonOf(error), milliseconds: taken() };
    }
  }
}
