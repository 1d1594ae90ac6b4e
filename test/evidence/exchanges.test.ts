/** What is written down for the report, and that nothing secret ever is. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { SignJWT } from 'jose';
import { Browser, sessionCookie } from '../support/browser.ts';
import { cut, cutBody, cutHeader, cutParameters, cutTarget, describeJwt } from '../support/cut.ts';
import { directoryVariable, runVariable } from '../support/exchanges.ts';
import { rawRequest } from '../support/raw-http.ts';
import { useRig } from '../support/rig.ts';
import { toPages } from './html.ts';
import { makeReport } from './report.ts';
import { readResults, resultsFile } from './results.ts';

const random = (bytes = 24): string => randomBytes(bytes).toString('base64url');

describe('what is cut', () => {
  test.each([
    ['/auth/login?returnTo=/ward/7&acr=AAL3_ANY', '/auth/login?returnTo=/ward/7&acr=AAL3_ANY'],
    ['/auth/callback?code=abc&state=def', '/auth/callback?code=[cut]&state=[cut]'],
    [
      '/sign-in-error?code=login_expired&reference=7K3M-9QX2-HABW',
      '/sign-in-error?code=login_expired&reference=7K3M-9QX2-HABW',
    ],
    ['/auth/sessions/AbCdEfGhIjKlMnOp', '/auth/sessions/[cut]'],
    ['/auth/session;token=x', '/auth/[cut]'],
    ['http://localhost:3000/auth/session', 'http://localhost:3000/auth/session'],
    ['http://user:secret@localhost/auth', '[cut]//[cut]/auth'],
    ['https://localhost.evil.example:1/?x=secret', 'https://localhost.evil.example:1/?[cut]'],
    ['/auth/login?returnTo=/patients/9000000009', '/auth/login?returnTo=[cut]'],
    ['/auth/login?acr=secret&role=secret&prompt=Secret1', '/auth/login?acr=[cut]&role=[cut]&prompt=[cut]'],
    ['/auth/login?a=1&b=2', '/auth/login?[cut]'],
  ])('of the address %s', (target, shown) => {
    expect(cutTarget(target)).toBe(shown);
  });

  test.each([
    ['Cookie', `${sessionCookie}=abc; other=def`, `cookie: ${sessionCookie}=[cut]; [cut]`],
    [
      'Set-Cookie',
      `${sessionCookie}=abc; Path=/; Secure; HttpOnly; SameSite=Strict`,
      `set-cookie: ${sessionCookie}=[cut]; Path=/; Secure; HttpOnly; SameSite=Strict`,
    ],
    [
      'set-cookie',
      `${sessionCookie}=; Path=/; Max-Age=0`,
      `set-cookie: ${sessionCookie}=; Path=/; Max-Age=0`,
    ],
    ['set-cookie', 'other=abc; Comment=secret', 'set-cookie: [cut]; [cut]'],
    ['Authorization', 'Bearer abc', 'authorization: Bearer [cut]'],
    ['authorization', 'abc', 'authorization: [cut]'],
    ['X-Session', 'abc', 'x-session: [cut]'],
    ['X-CSRF', '1', 'x-csrf: 1'],
    ['x-csrf', 'abc', 'x-csrf: [cut]'],
    ['Origin', 'https://evil.example', 'origin: https://evil.example'],
    ['Content-Type', `text/plain; x=${'a'.repeat(40)}`, 'content-type: [cut]'],
    [
      'location',
      'http://localhost:1/auth/callback?code=abc',
      'location: http://localhost:1/auth/callback?code=[cut]',
    ],
    ['www-authenticate', 'Bearer error="abc"', undefined],
    ['x-anything', 'abc', undefined],
  ])('of the header %s: %s', (name, value, shown) => {
    expect(cutHeader(name, value)).toBe(shown);
  });

  test.each([
    [
      'application/json',
      '{"status":"active","handle":"abc","user":{"name":"Amara Okafor","x":"y"}}',
      '{"status":"active","handle":"[cut]","user":{"name":"[cut]","[cut]":"[cut]"}}',
    ],
    [
      'application/problem+json',
      '{"status":401,"code":"session_ended","reason":"idle"}',
      '{"status":401,"code":"session_ended","reason":"idle"}',
    ],
    ['application/json', '{"code":"abc"}', '{"code":"[cut]"}'],
    [
      'application/json',
      '{"roles":[{"jobRoleCode":"R8000"},"abc",1,2]}',
      '{"roles":[{"jobRoleCode":"R8000"},"[cut]","[cut]","[cut]"]}',
    ],
    ['application/json', '"abc"', '[cut] 5 bytes'],
    ['application/json', '{"broken', '[cut] 8 bytes'],
    [
      'application/x-www-form-urlencoded',
      'grant_type=authorization_code&code=abc&code_verifier=def',
      'grant_type=authorization_code&code=[cut]&code_verifier=[cut]',
    ],
    ['text/html', '<p>abc', '[cut] 6 bytes'],
    ['', 'abc', '[cut] 3 bytes'],
    ['', '', ''],
  ])('of a body of type %j: %s', (type, body, shown) => {
    expect(cutBody(type, body)).toBe(shown);
  });

  test('of a JWT is all but its algorithm, its type, the names of its claims, times, levels and issuer', async () => {
    const claims = {
      iss: 'https://am.example:443/openam',
      sub: '900000000111',
      exp: 1_800_000_000,
      nonce: random(),
      acr: 'AAL3_ANY',
      x: 'y',
    };
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', kid: random() })
      .sign(randomBytes(32));
    const shown =
      'JWT alg HS256 JWT; claims: iss https://am.example:443/openam, sub, exp 1800000000, nonce, acr AAL3_ANY, [cut]';
    expect(describeJwt(token)).toBe(shown);
    expect(cutParameters(new URLSearchParams({ client_assertion: token }))).toBe(`client_assertion=${shown}`);
    for (const wrong of ['', 'abc', 'a.b.c', `${random()}.${random()}.${random()}`])
      expect(describeJwt(wrong)).toBe(cut);
  });

  test('whatever its name, is all that could be a credential', () => {
    for (const secret of [random(), random(64), `eyJ${random(6)}`]) {
      for (const name of [
        'acr',
        'client_id',
        'error',
        'iss',
        'prompt',
        'reason',
        'scope',
        'status',
        'title',
        'returnTo',
        'x',
      ]) {
        expect(cutParameters(new URLSearchParams({ [name]: secret }))).not.toContain(secret);
        expect(
          cutBody('application/json', JSON.stringify({ [name]: [secret, { [name]: secret, [secret]: 1 }] })),
        ).not.toContain(secret);
      }
      for (const name of [
        'accept',
        'allow',
        'content-type',
        'origin',
        'x-csrf',
        'content-security-policy',
        'x-request-id',
      ]) {
        expect(cutHeader(name, secret)).not.toContain(secret);
      }
      expect(cutTarget(`/auth/${secret}/session?${secret}=${secret}#${secret}`)).not.toContain(secret);
      expect(cutTarget(`https://${secret}.example/`)).not.toContain(secret);
    }
  });
});

describe('a run that is recorded', () => {
  const rig = useRig();
  const run = 'recorded-run';
  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'cis2-bff-exchanges-'));
    process.env[runVariable] = run;
    process.env[directoryVariable] = directory;
  });
  afterEach(() => {
    Reflect.deleteProperty(process.env, runVariable);
    Reflect.deleteProperty(process.env, directoryVariable);
    rmSync(directory, { recursive: true });
  });

  const file = relative(join(import.meta.dirname, '../..'), import.meta.filename).replaceAll('\\', '/');

  /** The report’s two files, with everything that was recorded in this test. */
  function evidence(): string[] {
    const titles = [
      'a run that is recorded',
      expect.getState().currentTestName?.replace('a run that is recorded ', '') ?? '',
    ];
    const records = [
      { kind: 'test', run, file, titles, outcome: 'passed', milliseconds: 1 },
      { kind: 'file', run, file, outcome: 'ran' },
      { kind: 'end', run },
    ];
    writeFileSync(
      join(directory, resultsFile),
      records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    );
    const { tests } = readResults(directory, run, [file], join(import.meta.dirname, '../..'));
    const facts = {
      id: run,
      startedAt: '2026-01-01T09:00:00.000Z',
      seconds: 1,
      only: null,
      commit: null,
      clean: true,
      node: '',
      packages: {},
    };
    // One exchange is shown of a requirement, so each gets a requirement of its own.
    const [all] = tests;
    if (all === undefined) throw new Error('nothing was recorded');
    const each = all.exchanges.map((exchange, index) => ({
      ...all,
      titles: [`part [B-${String(index)}]`],
      exchanges: [exchange],
    }));
    const asked = each.map((_, index) => ({
      id: `B-${String(index)}`,
      section: '1',
      level: 'M' as const,
      requirement: 'Something.',
    }));
    const report = makeReport(
      facts,
      [{ key: 'x', title: 'X', about: '', requirements: asked }],
      { tests: each, broken: [], screenshots: [] },
      () => [],
    );
    return [
      JSON.stringify(report),
      Object.values(toPages(report)).join('\n'),
      ...readdirSync(directory).map((name) => readFileSync(join(directory, name), 'utf8')),
    ];
  }

  test('shows what was sent and received, and not one secret of it', async () => {
    const secrets = new Map<string, string>();
    const note = (name: string, value: string | null | undefined): void => {
      if (value !== undefined && value !== null && value !== '')
        secrets.set(`${name} ${String(secrets.size)}`, value);
    };
    const { provider } = rig;
    const sid = `sid-${random()}`;
    note('sid', sid);
    provider.claims = () => ({ sid });
    provider.userInfo = { display_name: `Person-${random(9)}`, person_secret: random() };
    note('name', String(provider.userInfo['display_name']));
    note('UserInfo', String(provider.userInfo['person_secret']));
    provider.idToken = async (claims, key) => {
      const token = await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: key.kid })
        .sign(key.privateKey);
      for (const part of [token, ...token.split('.')]) note('ID token', part);
      return token;
    };

    const browser = new Browser(rig.bff.baseUrl);
    const noteCookies = (): void => {
      for (const [name, value] of browser.cookies) note(name, value);
    };
    const { location, request } = await browser.login('?returnTo=/ward/7');
    for (const name of ['state', 'nonce', 'code_challenge']) note(name, request.get(name));
    noteCookies();
    const returned = provider.authorise(location);
    note('code', returned.code);
    await browser.callback(returned);
    noteCookies();
    note('handle', (await browser.session()).handle);
    await browser.api('/auth/session/extend', { method: 'POST' });
    const junk = random();
    note('junk', junk);
    await browser.api(`/auth/${junk}?${junk}=${junk}`, {
      method: 'POST',
      body: JSON.stringify({ [junk]: junk, status: junk }),
      headers: {
        'content-type': 'application/json',
        'x-session': junk,
        'x-other': junk,
        authorization: `Bearer ${junk}`,
      },
    });
    await browser.callback({ code: junk, state: junk, error_description: junk });
    await rawRequest(rig.bff.baseUrl, `/auth/callback?code=${junk}&state=${returned.state}`, {
      headers: [['Cookie', `${sessionCookie}=${browser.cookies.get(sessionCookie) ?? ''}; x=${junk}`]],
    });
    await browser.api('/auth/logout', { method: 'POST' });
    for (const { form, headers } of provider.requests) {
      note('authorization', headers.authorization?.replace('Bearer ', ''));
      for (const name of ['code', 'code_verifier', 'client_assertion']) note(name, form[name]);
      for (const part of (form['client_assertion'] ?? '').split('.')) note('part of the assertion', part);
    }
    expect(secrets.size).toBeGreaterThan(20);

    const written = evidence();
    const found = [...secrets].filter(([, value]) =>
      [value, encodeURIComponent(value), value.slice(0, 24)].some((spelling) =>
        written.some((text) => text.includes(spelling)),
      ),
    );
    expect(found.map(([name]) => name)).toEqual([]);

    const [report = '', page = ''] = written;
    for (const shown of [
      'GET /auth/login?returnTo=/ward/7',
      'location: http://127.0.0.1:',
      'code_challenge_method=S256',
      'GET /auth/callback?code=[cut]&state=[cut]',
      `set-cookie: ${sessionCookie}=[cut]; Path=/; Secure; HttpOnly; SameSite=Strict`,
      'POST /openam/oauth2/realms/root/realms/NHSIdentity/realms/Healthcare/access_token',
      'grant_type=authorization_code',
      'client_assertion=JWT alg RS512 JWT; claims: iss, sub, aud, iat 1',
      'authorization: Bearer [cut]',
      'strict-transport-security: max-age=63072000; includeSubDomains',
    ]) {
      expect(report).toContain(shown);
      expect(page.replaceAll('&amp;', '&')).toContain(shown);
    }
  });

  test('writes each exchange under the test that made it', async () => {
    await new Browser(rig.bff.baseUrl).session();
    const lines = readdirSync(directory).flatMap((name) =>
      readFileSync(join(directory, name), 'utf8').trim().split('\n'),
    );
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        run,
        file: import.meta.filename,
        test: expect.getState().currentTestName,
        at: 'product',
      }),
    ]);
  });

  test('is not recorded, nor anything else done, when nobody asked for it', async () => {
    Reflect.deleteProperty(process.env, directoryVariable);
    await new Browser(rig.bff.baseUrl).session();
    expect(readdirSync(directory)).toEqual([]);
  });
});
