import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt, type JWTPayload } from 'jose';
import type { Delivery } from '../../local/cis2-simulator/logout-sender.ts';
import type { ControlPanel } from '../../local/cis2-simulator/control-panel.ts';
import { codeOf, type Bench, type Browser } from './client.ts';

export type ControlPanelState = ControlPanel['state'];

export interface CommandResponse {
  readonly status: number;
  readonly body: {
    readonly message?: string;
    readonly error?: string;
    readonly deliveries?: readonly Delivery[];
  };
}

/** Gives a command to the control panel, as a program does. */
export async function controlPanel(
  bench: Bench,
  command: string,
  input: object = {},
): Promise<CommandResponse> {
  const response = await fetch(new URL(`/control-panel/api/${command}`, bench.simulator.panel), {
    method: 'POST',
    headers: { 'x-control-panel': '1', 'content-type': 'application/json' },
    body: JSON.stringify(input),
  });
  return { status: response.status, body: (await response.json()) as CommandResponse['body'] };
}

export async function controlPanelState(bench: Bench): Promise<ControlPanelState> {
  return (await (
    await fetch(new URL('/control-panel/api/state', bench.simulator.panel))
  ).json()) as ControlPanelState;
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
