import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, type JWTPayload } from 'jose';
import type { Delivery } from '../../local/cis2-simulator/logout-sender.ts';
import type { Lab } from '../../local/cis2-simulator/lab.ts';
import { codeOf, type Bench, type Browser } from './client.ts';

export type LabState = Lab['state'];

export interface LabAnswer {
  readonly status: number;
  readonly body: {
    readonly message?: string;
    readonly error?: string;
    readonly deliveries?: readonly Delivery[];
  };
}

/** Gives a command to the laboratory, as a program does. */
export async function lab(bench: Bench, command: string, input: object = {}): Promise<LabAnswer> {
  const response = await fetch(new URL(`/lab/api/${command}`, bench.simulator.panel), {
    method: 'POST',
    headers: { 'x-lab': '1', 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as LabAnswer['body'] };
}

export async function labState(bench: Bench): Promise<LabState> {
  return (await (await fetch(new URL('/lab/api/state', bench.simulator.panel))).json()) as LabState;
}

export interface Tokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly claims: JWTPayload;
}

/** A whole sign-in of the test's client. */
export async function signInFully(
  bench: Bench,
  browser: Browser,
  uid: string,
  parameters: Record<string, string> = {},
): Promise<Tokens> {
  const callback = await browser.signIn(uid, { scope: 'openid profile nhsperson', ...parameters });
  const response = await bench.tokenRequest({ code: codeOf(callback) });
  if (response.status !== 200) throw new Error(`no tokens: ${await response.text()}`);
  const { id_token: idToken, access_token: accessToken } = (await response.json()) as Record<string, string>;
  return { idToken: idToken ?? '', accessToken: accessToken ?? '', claims: decodeJwt(idToken ?? '') };
}

export async function userInfo(bench: Bench, accessToken: string): Promise<Record<string, unknown>> {
  const response = await fetch(bench.as.userinfo_endpoint ?? '', {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return (await response.json()) as Record<string, unknown>;
}

/** Waits until something is true; fails after five seconds. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline) {
    if (await condition()) return;
    await sleep(10);
  }
  throw new Error('it did not become true');
}
