import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startPdsSimulator, type PdsSimulator } from '../../local/pds-simulator/index.ts';
import { startBench as startPlatform, tokensOf, type Bench as Platform } from './api-platform-bench.ts';
import { Browser, startBench as startCis2, type Bench as Cis2 } from './client.ts';
import { controlPanel, signInFully } from './control-panel-client.ts';

const gp = '900000000001';

let cis2: Cis2;
let platform: Platform;
let pds: PdsSimulator;
beforeAll(async () => {
  cis2 = await startCis2();
  platform = await startPlatform([], cis2.simulator.issuer);
  pds = await startPdsSimulator({ platform: platform.platform });
});
afterAll(async () => {
  pds.close();
  await platform.close();
  await cis2.close();
});

/** Signs in with CIS2 and exchanges the ID token. */
async function exchanged(scope: string): Promise<string> {
  const { idToken } = await signInFully(cis2, new Browser(cis2), gp, { scope });
  const { access_token: token = '' } = await tokensOf(await platform.exchange({ subject_token: idToken }));
  return token;
}

const readPatient = (token: string, roleId: string) =>
  fetch(`${pds.url}/Patient/9000000009`, {
    headers: {
      authorization: `Bearer ${token}`,
      'x-request-id': randomUUID(),
      'nhsd-session-urid': roleId,
    },
  });

describe('The three simulators together', () => {
  test('take a person from a CIS2 sign-in to a patient, until the token is revoked', async () => {
    const token = await exchanged('openid selectedrole');
    const selectedRoleId = '900000000777';
    expect(platform.platform.introspect(token)).toMatchObject({ uid: gp, aal: '3', selectedRoleId });
    expect((await readPatient(token, selectedRoleId)).status).toBe(200);
    await platform.controlPanel('revoke');
    expect((await readPatient(token, selectedRoleId)).status).toBe(401);
  });

  test('go on when CIS2 has a new key', async () => {
    await exchanged('openid');
    await controlPanel(cis2, 'rotate');
    expect(platform.platform.introspect(await exchanged('openid'))).toMatchObject({ uid: gp });
  });
});
