/** Proxied calls, good and bad, and then a search of everything for the tokens, the cookies and the people in them. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { sessionCookie } from '../support/browser.ts';
import { apiSecret, patchPatient, patientPath, useProxyRig } from '../support/proxy-rig.ts';
import { itemText, spells } from '../support/spellings.ts';

const rig = useProxyRig({ LOG_LEVEL: 'debug' });

/** What is at home in the browser, the platform or the upstream alone, by its name. */
const secrets = new Map<string, string>();
const personal = new Map<string, string>([
  ['NHS number', '9000000009'],
  ['family name in a query', 'Canary-Marchbanks'],
  ['postcode in a query', 'ZZ99 9ZZ'],
  ['value in a change', 'canary-in-a-change'],
  ['value in an upstream’s response', 'canary-in-a-response'],
  ['If-Match', 'W/"canary-version"'],
  ['role id', '900000000701'],
  ['user id', '900000000111'],
  ['the platform’s words', 'canary-of-the-platform'],
]);
const responses: string[] = [];
let items: string[] = [];

beforeAll(async () => {
  const { provider, platform, upstream } = rig;
  secrets.set('our secret at the platform', apiSecret);
  provider.claims = ({ accessToken }) => {
    const sid = 'sid-that-nobody-may-see';
    secrets.set('sid', sid).set(`CIS2’s token ${String(secrets.size)}`, accessToken);
    return { sid };
  };
  upstream.respond = (response, { headers }, count) => {
    secrets.set(`bearer ${String(secrets.size)}`, headers.authorization?.slice('Bearer '.length) ?? '');
    const status = count % 5 === 0 ? 500 : count % 4 === 0 ? 401 : 200;
    response
      .writeHead(status, { 'content-type': 'application/fhir+json' })
      .end('{"x":"canary-in-a-response"}');
  };
  platform.lifetimeSeconds = 1;
  const browser = await rig.signedIn();
  const keep = async (call: Promise<Response>): Promise<void> => {
    const response = await call;
    const text = await response.text();
    responses.push(JSON.stringify([...response.headers]) + text.replace('{"x":"canary-in-a-response"}', ''));
  };
  const words = { error: 'canary-of-the-platform', error_description: 'canary-of-the-platform' };
  for (let round = 0; round < 4; round += 1) {
    platform.faults = round === 2 ? [{ status: 400, body: words }] : [];
    await keep(browser.api(patientPath));
    await keep(browser.api('/api/pds/Patient?family=Canary-Marchbanks&address-postalcode=ZZ99%209ZZ'));
    await keep(browser.api('/api/pds/Patient?family=Canary-Marchbanks&x=Canary-Marchbanks'));
    await keep(patchPatient(browser, { 'if-match': 'W/"canary-version"' }, '["canary-in-a-change"]'));
    await keep(browser.api(`${patientPath}/canary-in-a-change`));
    await sleep(1_200);
  }
  secrets.set('cookie', browser.cookies.get(sessionCookie) ?? '');
  for (const { parameters } of platform.calls) {
    for (const name of ['subject_token', 'client_assertion', 'refresh_token']) {
      const { [name]: value } = parameters;
      if (value !== undefined) secrets.set(`${name} ${String(secrets.size)}`, value);
    }
  }
  items = (await rig.tables.items()).map(itemText);
}, 60_000);

const found = (texts: readonly string[], values: ReadonlyMap<string, string>): string[] =>
  [...values].flatMap(([name, value]) =>
    texts.filter((text) => spells(text, value)).map((text) => `${name}: ${text.slice(0, 300)}`),
  );

describe('proxied calls', () => {
  test('had every kind of secret in hand', () => {
    const kinds = new Set([...secrets.keys()].map((name) => name.replace(/ \d+$/, '')));
    expect(kinds).toEqual(
      new Set([
        ...['our secret at the platform', 'sid', 'CIS2’s token', 'bearer', 'cookie'],
        ...['subject_token', 'client_assertion', 'refresh_token'],
      ]),
    );
    for (const value of secrets.values()) expect(value.length).toBeGreaterThan(15);
    const events = new Set(rig.bff.log.map(({ event }) => event));
    for (const event of ['request', 'token_exchanged', 'token_refreshed', 'token_refused']) {
      expect(events).toContain(event);
    }
    expect(responses).toHaveLength(20);
  });

  test('put none in any log, nor a path, a query, a body or who the user is [S-13, ASVS-16.2.5]', () => {
    const lines = rig.bff.output.split('\n');
    expect(found(lines, secrets)).toEqual([]);
    expect(found(lines, personal)).toEqual([]);
  });

  test('put none in any response [B-26, S-13, ASVS-10.1.1]', () => {
    expect(found(responses, secrets)).toEqual([]);
    expect(found(responses, personal)).toEqual([]);
  });

  test('put none in the store but sealed [S-13]', () => {
    expect(items.join('\n')).toContain('token#api-platform');
    expect(found(items, secrets)).toEqual([]);
    expect(found(items, new Map([...personal].filter(([name]) => name !== 'user id')))).toEqual([]);
  });
});
