/** A rotation as the local run has it: Secrets Manager, the functions and the front together. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify, type JSONWebKeySet } from 'jose';
import type { LocalState } from '../../local/state-file.ts';
import { stateFileOf } from '../../local/state-file.ts';
import { expectSignedIn } from '../contract/expectations.ts';
import { useRig } from '../support/rig.ts';
import type { Rig } from '../support/rig.ts';

interface State {
  readonly nextRotationAt: string;
  readonly keys: readonly { readonly kid: string; readonly place: string }[];
}

/** What an operator's tool has: the state file, and the AWS SDK. */
function operator(rig: Rig) {
  const state = (): LocalState =>
    JSON.parse(readFileSync(stateFileOf(Number(new URL(rig.bff.baseUrl).port)), 'utf8')) as LocalState;
  const at = (endpoint: keyof LocalState['endpoints']) => ({
    endpoint: state().endpoints[endpoint],
    region: state().region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const secretId = (): string => state().outputs['SigningKeysSecretArn'] ?? '';
  const secrets = () => new SecretsManagerClient(at('secretsManager'));
  const about = () => secrets().send(new DescribeSecretCommand({ SecretId: secretId() }));
  const invoke = async (output: string, event: unknown): Promise<unknown> => {
    const FunctionName = state().outputs[output];
    const Payload = JSON.stringify(event);
    const response = await new LambdaClient(at('lambda')).send(new InvokeCommand({ FunctionName, Payload }));
    const text = response.Payload?.transformToString() ?? '';
    return response.FunctionError === undefined ? JSON.parse(text) : { failed: text };
  };
  return {
    about,
    value: async (): Promise<string> => {
      const response = await secrets().send(new GetSecretValueCommand({ SecretId: secretId() }));
      return response.SecretString ?? '';
    },
    /** Gives the token of the rotation, when it is over. */
    rotate: async (): Promise<string> => {
      const { LastRotatedDate: before } = await about();
      const { VersionId = '' } = await secrets().send(new RotateSecretCommand({ SecretId: secretId() }));
      for (let tries = 0; tries < 100; tries += 1) {
        if (Number((await about()).LastRotatedDate ?? 0) > Number(before ?? 0)) return VersionId;
        await sleep(100);
      }
      throw new Error(`the rotation did not come to its end:\n${rig.bff.output}`);
    },
    invoke,
    status: () => invoke('KeysStatusFunction', { purpose: 'cis2' }) as Promise<State>,
    kms: () => new KMSClient(at('kms')),
  };
}

/** Signs somebody in, checks the proof of who we are as CIS2 would, and gives the name of the key that signed it. */
async function keyOfSignIn(rig: Rig): Promise<string> {
  const browser = rig.browser();
  await expectSignedIn(browser, await browser.signIn(rig.provider));
  const assertion = rig.provider.asked('token').at(-1)?.form['client_assertion'] ?? '';
  const published = (await (await fetch(`${rig.bff.baseUrl}/auth/jwks.json`)).json()) as JSONWebKeySet;
  await jwtVerify(assertion, createLocalJWKSet(published), { algorithms: ['RS512'] });
  return decodeProtectedHeader(assertion).kid ?? '';
}

const kidAt = ({ keys }: State, wanted: string): string =>
  keys.find(({ place }) => place === wanted)?.kid ?? `no ${wanted} key`;

describe('RotateSecret in a local run', () => {
  const rig = useRig({ 'key-bits': 2_048, 'key-cache-seconds': 0 });
  const { about, invoke, rotate, status } = operator(rig);

  test('moves the ring one step, and sign-ins go on under the key that was next', async () => {
    const before = await status();
    // Setting up the schedule had Secrets Manager try the function out, and that is no rotation.
    expect(before).toMatchObject({ lastRotation: null, publishedEqualsRing: true });
    const { NextRotationDate: dueBefore } = await about();
    const dueSeconds = Math.floor(Number(dueBefore) / 1000);
    expect(Date.parse(before.nextRotationAt) / 1000).toBe(dueSeconds);
    expect(await keyOfSignIn(rig)).toBe(kidAt(before, 'current'));

    const token = await rotate();
    const after = await status();
    expect(kidAt(after, 'previous')).toBe(kidAt(before, 'current'));
    expect(kidAt(after, 'current')).toBe(kidAt(before, 'next'));
    expect(before.keys.map(({ kid }) => kid)).not.toContain(kidAt(after, 'next'));
    expect(await keyOfSignIn(rig)).toBe(kidAt(before, 'next'));

    const { VersionIdsToStages, NextRotationDate } = await about();
    expect(VersionIdsToStages).toEqual({ [token]: ['AWSCURRENT'] });
    expect(Number(NextRotationDate)).toBeGreaterThan(Number(dueBefore));
  });

  test('can be asked for again as soon as it is over', async () => {
    const before = await status();
    await rotate();
    expect(kidAt(await status(), 'current')).toBe(kidAt(before, 'next'));
  });

  test.each([
    { operation: 'promote', dryrun: true },
    { operation: 'promote', dryRun: null },
    { purpose: 'cis2', operation: 'promote' },
  ])('does not come of %j: it is refused, and the keys stay', async (event) => {
    const before = await status();
    const output = 'purpose' in event ? 'KeysStatusFunction' : 'RotateSigningKeysFunction';
    expect(await invoke(output, event)).toMatchObject({ ok: false, code: 'invalid_request' });
    expect((await status()).keys).toEqual(before.keys);
  });

  test('does not come of a forged event of a deployment, which sends nothing anywhere', async () => {
    const before = await status();
    const received: string[] = [];
    const server = createServer((request, response) => {
      received.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    for (const ResponseURL of [
      `http://127.0.0.1:${String(port)}/response`,
      `http://localhost:${String(port)}/response`,
    ]) {
      const event = {
        RequestType: 'Update',
        ResponseURL,
        StackId: 's',
        RequestId: 'r',
        LogicalResourceId: 'l',
      };
      expect(await invoke('RotateSigningKeysFunction', event)).toMatchObject({
        failed: expect.stringContaining('EventRefused'),
      });
    }
    server.close();
    expect(received).toEqual([]);
    expect((await status()).keys).toEqual(before.keys);
  });
});

describe('keys in KMS', () => {
  const rig = useRig({ 'key-bits': 2_048, 'key-cache-seconds': 0, 'key-custody': 'kms' });
  const { kms, rotate, status, value } = operator(rig);

  test('sign and rotate as keys in the secret do, and the secret holds no private half', async () => {
    const before = await status();
    expect(await keyOfSignIn(rig)).toBe(kidAt(before, 'current'));
    const ring = JSON.parse(await value()) as { keys: Record<string, unknown>[] };
    expect(ring.keys).toHaveLength(2);
    for (const key of ring.keys) {
      expect(key).not.toHaveProperty('privateJwk');
      const { KeyMetadata } = await kms().send(new DescribeKeyCommand({ KeyId: String(key['kmsKeyArn']) }));
      expect(KeyMetadata).toMatchObject({ KeySpec: 'RSA_2048', KeyState: 'Enabled' });
    }

    await rotate();
    expect(await keyOfSignIn(rig)).toBe(kidAt(before, 'next'));
  });
});
