import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decodedPath } from '../../local/edge/http-api-event.ts';
import { ignored, refused, respelled } from '../contract/proxy-vectors.ts';
import { manifestFileText, readManifestFile } from '../../lambdas/api/manifest-file.ts';
import { routesOf } from '../../lambdas/api/index.ts';
import { defineUpstreams, pds } from '../../manifest/index.ts';
import { ProxyRig, RecordingUpstream, type Sent } from './api-rig.ts';

/** An app's own manifest with rules of the same kinds, by other names, as the function reads it from its file. */
const { 'GET /Patient': find, 'GET /Patient/{id}': readOne, 'PATCH /Patient/{id}': change } = pds.routes;
const own = readManifestFile(
  manifestFileText(
    defineUpstreams({
      referrals: {
        title: 'Referrals',
        accept: ['application/fhir+json'],
        routes: {
          'GET /ServiceRequest': find,
          'GET /ServiceRequest/{id}': readOne,
          'PATCH /ServiceRequest/{id}': change,
          'POST /ServiceRequest/{id}/$close': { ...readOne, summary: 'Close a referral' },
        },
      },
    }),
  ),
);
/** A target of the shipping manifest's, at the own one. */
const moved = (target: string): string =>
  target
    .replaceAll('%70ds', '%72eferrals')
    .replaceAll('pds', 'referrals')
    .replaceAll('%50atient', '%53erviceRequest')
    .replaceAll('Patient', 'ServiceRequest');

const manifests = [
  { name: 'that ships', upstreams: { pds }, at: (target: string) => target },
  { name: 'of an app’s own', upstreams: own, at: moved },
] as const;

const split = (target: string): { path: string; query: string } => {
  const mark = target.indexOf('?');
  return mark < 0
    ? { path: target, query: '' }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
};
/** The request as a gateway passes it that leaves paths alone, and as one that decodes them. */
const waysIn = (target: string): Sent[] => {
  const { path, query } = split(target);
  const decoded = decodedPath(path);
  return [{ path, query }, ...(decoded === undefined || decoded === path ? [] : [{ path: decoded, query }])];
};

describe.each(manifests)('under the manifest $name', ({ upstreams, at }) => {
  let upstream: RecordingUpstream;
  let rig: ProxyRig;
  beforeAll(async () => {
    upstream = await new RecordingUpstream().start();
    const [name = ''] = Object.keys(upstreams);
    rig = new ProxyRig({ [name]: upstream.base }, { routes: routesOf(upstreams) });
  });
  afterAll(() => {
    rig.client.close();
    upstream.close();
  });
  beforeEach(() => {
    upstream.reset();
    rig.reset();
  });

  describe('a call that the manifest does not list [B-13, B-14, B-15, B-16]', () => {
    test('is tried in some hundred ways', () => {
      expect(refused.length).toBeGreaterThanOrEqual(200);
      const names = refused.map((vector) => JSON.stringify(vector));
      expect(new Set(names).size).toBe(names.length);
    });

    test.each(
      refused.map((vector) => [vector.kind, vector.method, vector.target.slice(0, 90), vector] as const),
    )(
      'is refused before anybody is asked: %s, %s %s',
      async (_kind, method, _target, { target, headers = {}, body, status }) => {
        for (const way of waysIn(at(target))) {
          const response = await rig.send({
            ...way,
            method,
            headers,
            ...(body === undefined ? {} : { body }),
          });
          expect([response.status, response.problem['status']]).toEqual([status, status]);
          if (status === 405) expect(response.headers['allow']).toMatch(/^GET(?:, PATCH)?$/);
          // What comes back says nothing of what was sent.
          expect(response.body.toString()).not.toContain('evil');
        }
        expect(upstream.calls).toEqual([]);
        expect(rig.uses).toEqual([]);
        expect(rig.tokensAsked).toEqual([]);
      },
    );

    test.each(respelled)(
      'is at most the listed one that a gateway makes of it: $target',
      async ({ target, path }) => {
        const [raw, decoded] = waysIn(at(target));
        expect((await rig.send(raw)).status).toBe(404);
        expect(upstream.calls).toEqual([]);
        expect((await rig.send(decoded)).status).toBe(200);
        expect(upstream.calls.map((call) => call.target)).toEqual([
          new URL(upstream.base).pathname + at(path),
        ]);
      },
    );
  });

  describe('a header that is not listed [B-13, B-16, B-17, S-12, ASVS-4.1.3]', () => {
    const known = new Set([
      ...[
        'accept',
        'authorization',
        'connection',
        'host',
        'nhsd-session-urid',
        'x-correlation-id',
        'x-request-id',
      ],
    ]);

    test.each(ignored)('changes nothing: %s: %s', async (name, value) => {
      const path = at('/api/pds/Patient/9000000009');
      expect((await rig.send({ path, headers: { [name]: value } })).status).toBe(200);
      const [call, ...more] = upstream.calls;
      expect(more).toEqual([]);
      expect([call?.method, call?.target]).toEqual([
        'GET',
        `${new URL(upstream.base).pathname}${at('/Patient/9000000009')}`,
      ]);
      expect(Object.keys(call?.headers ?? {}).filter((header) => !known.has(header))).toEqual([]);
      expect(call?.headers).toMatchObject({
        host: new URL(upstream.base).host,
        accept: 'application/fhir+json',
        authorization: 'Bearer access-token-1',
        'nhsd-session-urid': '900000000777',
      });
      const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
      expect(call?.headers['x-request-id']).toMatch(uuid);
      expect(call?.headers['x-correlation-id']).toMatch(uuid);
    });
  });
});
