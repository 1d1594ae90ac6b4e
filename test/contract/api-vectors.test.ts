/** What could make the API proxy call something that the manifest does not list, through the whole front. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import { decodedPath } from '../../local/edge/http-api-event.ts';
import type { Browser } from '../support/browser.ts';
import { patientPath, roleIds, useProxyRig } from '../support/proxy-rig.ts';
import { rawBytesRequest } from '../support/raw-http.ts';
import { ignored, refused, respelled, type ProxyVector } from './proxy-vectors.ts';

const rig = useProxyRig();
let browser: Browser;
beforeEach(async () => {
  browser = await rig.signedIn();
});

const send = (vector: Omit<ProxyVector, 'kind' | 'status'>) => {
  const { method, target, headers = {}, body } = vector;
  const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  const own: Record<string, string> = {
    host: new URL(rig.bff.baseUrl).host,
    'x-csrf': '1',
    origin: rig.bff.baseUrl,
    'sec-fetch-site': 'same-origin',
    cookie,
    ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
    ...headers,
  };
  const fields = Object.entries(own).map(([name, value]) => `${name}: ${value}`);
  return rawBytesRequest(rig.bff.baseUrl, [`${method} ${target} HTTP/1.1`, ...fields], body);
};

describe('a call that the manifest does not list [B-13, B-14, B-15, B-16]', () => {
  test.each([...new Set(refused.map(({ kind }) => kind))])(
    'is refused on its way in, and no upstream hears of it: %s',
    async (kind) => {
      const wrong: unknown[] = [];
      for (const vector of refused.filter((one) => one.kind === kind)) {
        const { status, text } = await send(vector);
        // A parser, an edge or a gateway may refuse what it cannot read before we see it.
        const isOurs = status === vector.status && text.includes(`"status":${String(status)}`);
        const isEarlier = status === 400 || (status === vector.status && status !== 200);
        if (!(isOurs || isEarlier) || text.includes('evil.example')) wrong.push([vector.target, status]);
      }
      expect(wrong).toEqual([]);
      expect(rig.upstream.calls).toEqual([]);
      expect(rig.platform.calls).toEqual([]);
      // The session it was sent with is good: only what was asked for was not.
      expect((await send({ method: 'GET', target: patientPath })).status).toBe(200);
    },
  );

  test('is at most the listed one that the gateway makes of it', async () => {
    const { pathname } = new URL(rig.upstream.base);
    for (const { target, path } of respelled) {
      const { status } = await send({ method: 'GET', target });
      expect([target, status]).toEqual([target, 200]);
      expect(decodedPath(target)).toMatch(/^\/api\/pds\/Patient/);
      expect(rig.upstream.calls.splice(0).map((call) => call.target)).toEqual([pathname + path]);
    }
  });
});

describe('a header that is not listed [B-13, B-16, B-17, S-12, ASVS-4.1.3]', () => {
  test('changes nothing, whichever it is', async () => {
    const passed = new Set([
      ...['accept', 'accept-encoding', 'authorization', 'connection', 'host', 'nhsd-session-urid'],
      ...['x-correlation-id', 'x-request-id'],
    ]);
    for (const [name, value] of ignored) {
      const { status } = await send({ method: 'GET', target: patientPath, headers: { [name]: value } });
      const [call, ...more] = rig.upstream.calls.splice(0);
      expect([name, status, more]).toEqual([name, 200, []]);
      expect([call?.method, call?.target]).toEqual([
        'GET',
        `${new URL(rig.upstream.base).pathname}/Patient/9000000009`,
      ]);
      const { headers = {} } = call ?? {};
      expect(Object.keys(headers).filter((header) => !passed.has(header))).toEqual([]);
      expect(headers).toMatchObject({
        accept: 'application/fhir+json',
        authorization: expect.stringMatching(/^Bearer access-/),
        host: new URL(rig.upstream.base).host,
        'nhsd-session-urid': roleIds[0],
      });
      expect(JSON.stringify(headers)).not.toMatch(/evil|stolen|not-ours|203\.0\.113\.9|999999999999/);
    }
  });
});
