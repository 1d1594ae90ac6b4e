/** Sign-ins at an even pace while keys move, at a provider that really verifies who we are, with keys that it keeps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose';
import { Bff, type BffOptions } from '../support/bff.ts';
import { Browser } from '../support/browser.ts';
import { Provider } from '../support/provider.ts';
import { ops, type Ended } from '../ops/command.ts';

const clientId = 'rp.example.apps';

/** A machine that has other work to do is not to be buried under people. */
const maxAtOnce = 6;

/** What became of one sign-in. */
export interface SignInResult {
  /** In milliseconds since the epoch. */
  readonly at: number;
  readonly durationMs: number;
  /** Undefined for one that succeeded; the code that the person was shown, where there was one. */
  readonly failure: string | undefined;
}

/** The product, and a provider that verifies with the set it fetched last; it never fetches for an unknown kid. */
export class Installation {
  readonly provider: Provider;
  readonly bff: Bff;
  readonly results: SignInResult[] = [];
  /** How often the provider refused us. A sign-in may be refused once and succeed all the same. */
  refusals = 0;
  #set: JSONWebKeySet = { keys: [] };
  #fetchedAt = 0;
  readonly #cacheMs: number;

  private constructor(provider: Provider, bff: Bff, cacheSeconds: number) {
    this.provider = provider;
    this.bff = bff;
    this.#cacheMs = cacheSeconds * 1_000;
    provider.knowsClient = async ({ client_assertion: assertion = '' }) => {
      if (Date.now() >= this.#fetchedAt + this.#cacheMs) await this.fetchKeys();
      try {
        await jwtVerify(assertion, createLocalJWKSet(this.#set), { algorithms: ['RS512'], issuer: clientId });
        return true;
      } catch {
        this.refusals += 1;
        return false;
      }
    };
  }

  /**
   * @param cacheSeconds - how long the provider caches our keys; by default until `fetchKeys` is called
   */
  static async start(options: BffOptions, cacheSeconds = Infinity): Promise<Installation> {
    const provider = await Provider.start();
    const bff = await Bff.start({ issuer: provider.issuer, 'client-id': clientId, ...options });
    const installation = new Installation(provider, bff, cacheSeconds);
    await installation.fetchKeys();
    return installation;
  }

  async fetchKeys(): Promise<void> {
    this.#fetchedAt = Date.now();
    this.#set = (await (await fetch(`${this.bff.baseUrl}/auth/jwks.json`)).json()) as JSONWebKeySet;
  }

  /** The operator's command, here. */
  command(...args: string[]): Promise<Ended> {
    return ops([...args, '--local', new URL(this.bff.baseUrl).port]);
  }

  /** Signs people in, one every so often, until the work is done and what has begun is over. */
  async whileSigningIn<T>(everyMs: number, work: () => Promise<T>): Promise<T> {
    const underWay = new Set<Promise<void>>();
    const state = { isOver: false };
    const signingIn = (async () => {
      for (let due = performance.now(); !state.isOver; due += everyMs) {
        if (underWay.size < maxAtOnce) {
          const one = this.#signIn().finally(() => underWay.delete(one));
          underWay.add(one);
        }
        await sleep(Math.max(0, due + everyMs - performance.now()));
      }
    })();
    try {
      return await work();
    } finally {
      state.isOver = true;
      await signingIn;
      await Promise.all(underWay);
    }
  }

  async #signIn(): Promise<void> {
    const at = Date.now();
    const begun = performance.now();
    const response = await new Browser(this.bff.baseUrl).signIn(this.provider).catch(() => undefined);
    const isSignedIn = response?.headers
      .getSetCookie()
      .some((cookie) => cookie.startsWith('__Host-Http-session='));
    const failure =
      response?.status === 303 && isSignedIn === true
        ? undefined
        : ((response && Browser.failure(response)?.code) ?? 'no response');
    this.results.push({ at, durationMs: performance.now() - begun, failure });
  }

  /** Those that failed. */
  get failures(): SignInResult[] {
    return this.results.filter(({ failure }) => failure !== undefined);
  }

  /** In one line: how many sign-ins, how many failed, how long they took. */
  get summary(): string {
    const durations = this.results.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
    const at = (part: number): string =>
      (durations[Math.floor((durations.length - 1) * part)] ?? 0).toFixed(0);
    return [
      `${String(this.results.length)} sign-ins, ${String(this.failures.length)} failed`,
      `${String(this.refusals)} assertions refused`,
      `median ${at(0.5)} ms, slowest ${at(1)} ms`,
    ].join('; ');
  }

  async stop(): Promise<void> {
    await this.bff.stop();
    await this.provider.close();
  }
}
