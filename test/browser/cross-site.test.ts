import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Page, Request } from 'playwright-core';
import { sessionCookie, type SessionJson } from '../support/browser.ts';
import { Rig, signedInAs, signIn, type Profile } from './rig.ts';
import './use-rig.ts';

let rig: Rig;
let server: Server;
let hostilePort: number;
let profile: Profile;
/** The session of the person whom the hostile pages are after, as it was when it began. */
let before: SessionJson;

beforeAll(async () => {
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Prizes</title>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  hostilePort = (server.address() as AddressInfo).port;
  rig = await Rig.start();
  profile = await rig.profile();
  await signIn(await profile.tab());
  before = await profile.session();
  // A clock that could be moved has moved by now.
  await new Promise((resolve) => setTimeout(resolve, 1_100));
});
afterEach(async () => {
  await hostile.close();
  // Nothing changed: the same session, with not one second more.
  expect({ ...(await profile.session()), serverTime: '' }).toEqual({ ...before, serverTime: '' });
});
afterAll(async () => {
  await rig.stop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** Another site, and another origin of the same site: to that one the browser does send `SameSite=Strict` cookies. */
const places = [
  { place: 'another site', host: '127.0.0.1', sendsCookie: false, shows: 'B-09, ASVS-3.5.1' },
  { place: 'another origin of the same site', host: 'localhost', sendsCookie: true, shows: 'B-09, B-10' },
];

let hostile: Page;
/** What the hostile page asked of the BFF. */
let requests: Request[];
/** Cookies that went to the BFF, as the browser's network layer reports them: also for responses that it withheld from the page. */
let cookies: string[];
let logged: number;

async function lure(host: string): Promise<void> {
  hostile = await profile.tab();
  requests = [];
  cookies = [];
  const network = await profile.context.newCDPSession(hostile);
  network.on('Network.requestWillBeSentExtraInfo', ({ headers }) => {
    if (headers['Host'] === new URL(rig.baseUrl).host) cookies.push(headers['Cookie'] ?? '');
  });
  await network.send('Network.enable');
  hostile.on('request', (request) => {
    if (request.url().startsWith(rig.baseUrl)) requests.push(request);
  });
  await hostile.goto(`http://${host}:${String(hostilePort)}/`);
  logged = rig.bff.log.length;
}

/** Which of the page's calls were refused, as the BFF's log tells it once the first one is there. */
async function outcomes(): Promise<unknown[]> {
  for (let tries = 0; tries < 40; tries += 1) {
    // The app's own pages ask who is signed in, and are told.
    const entries = rig.bff.log
      .slice(logged)
      .filter(({ event, code }) => event === 'request' && code !== undefined);
    if (entries.length > 0) return entries.map(({ status, code }) => [status, code]);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return [];
}

const cookieSent = async (): Promise<boolean> => {
  const headers = await Promise.all(requests.map((request) => request.allHeaders()));
  return [...cookies, ...headers.map(({ cookie }) => cookie ?? '')].some((line) =>
    line.includes(sessionCookie),
  );
};

describe.each(places)('a page on $place [$shows]', ({ host, sendsCookie }) => {
  beforeEach(() => lure(host));

  test.each([
    ['/auth/logout', 'application/x-www-form-urlencoded'],
    ['/auth/logout', 'multipart/form-data'],
    ['/auth/logout', 'text/plain'],
    ['/auth/session/extend', 'application/x-www-form-urlencoded'],
  ])('that posts a form to %s as %s is refused', async (path, type) => {
    await hostile.evaluate(`{
      const form = document.createElement('form');
      Object.assign(form, { method: 'post', action: '${rig.baseUrl}${path}', enctype: '${type}' });
      form.innerHTML = '<input name="X-CSRF" value="1">';
      document.body.append(form);
      form.submit();
    }`);
    // Whoever sits there is shown a page; what that page asks for comes later.
    await hostile.waitForURL(`${rig.baseUrl}/sign-in-error?code=csrf_rejected&**`);
    expect((await outcomes())[0]).toEqual([303, 'csrf_rejected']);
    expect(cookies[0]?.includes(sessionCookie)).toBe(sendsCookie);
  });

  test.each([
    ['GET', '/auth/session'],
    ['POST', '/auth/session/extend'],
    ['POST', '/auth/logout'],
  ])(
    'that fetches %s %s with cookies and without asking reads nothing of the refusal',
    async (method, path) => {
      const learned = await hostile.evaluate(`
      fetch('${rig.baseUrl}${path}', { method: '${method}', mode: 'no-cors', credentials: 'include' })
        .then(async (response) => response.type + response.status + (await response.text()), () => 'blocked')`);
      expect(['blocked', 'opaque0']).toContain(learned);
      expect(await outcomes()).toEqual([[403, 'csrf_rejected']]);
      expect(await cookieSent()).toBe(sendsCookie);
    },
  );

  test.each([
    ['GET', '/auth/session'],
    ['POST', '/auth/session/extend'],
    ['POST', '/auth/logout'],
  ])('that asks to send X-CSRF with %s %s is never allowed to', async (method, path) => {
    const learned = await hostile.evaluate(`
      fetch('${rig.baseUrl}${path}', { method: '${method}', credentials: 'include', headers: { 'X-CSRF': '1' } })
        .then((response) => response.text(), () => 'blocked')`);
    expect(learned).toBe('blocked');
    // The browser asked first, and asked no further.
    expect(await outcomes()).toEqual([[405, 'method_not_allowed']]);
  });

  test.each(['img', 'script', 'link', 'iframe', 'object', 'video', 'embed'])(
    'that puts the session into an element <%s> learns nothing [ASVS-3.5.6, ASVS-3.5.7, ASVS-3.5.8]',
    async (element) => {
      const learned = await hostile.evaluate(`new Promise((resolve) => {
        const element = document.createElement('${element}');
        const url = '${rig.baseUrl}/auth/session';
        if ('rel' in element) element.rel = 'stylesheet';
        for (const name of ['src', 'href', 'data']) if (name in element) element[name] = url;
        element.onload = () => {
          let inside;
          try { inside = element.contentDocument?.body?.innerText } catch { inside = undefined }
          resolve('loaded ' + (inside ?? ''));
        };
        element.onerror = () => resolve('error');
        document.body.append(element);
        setTimeout(() => resolve('nothing'), 700);
      })`);
      // A frame says that it has "loaded" even where it was stopped; what matters is that it cannot be looked into.
      expect(['error', 'nothing', 'loaded ']).toContain(learned);
      expect(await outcomes()).toEqual([[403, 'csrf_rejected']]);
      expect(await cookieSent()).toBe(sendsCookie);
    },
  );

  test('that frames the app shows an error in its place, so that no click can be stolen [S-18, ASVS-3.4.6]', async () => {
    await hostile.evaluate(`{
      const frame = document.createElement('iframe');
      frame.src = '${rig.baseUrl}/';
      document.body.append(frame);
    }`);
    await hostile.waitForLoadState('networkidle');
    const framed = hostile.frames()[1];
    expect(framed?.url()).toMatch(/^chrome-error:/);
    expect(await framed?.content()).not.toMatch(/Example surgery|Amara/);
  });

  test('that opens the app in a window has no hold on that window [ASVS-3.4.8]', async () => {
    const opened = profile.context.waitForEvent('page');
    await hostile.evaluate(`{ window.opened = open('${rig.baseUrl}/') }`);
    const popup = await opened;
    await signedInAs(popup, 'Dr Amara Okafor');
    expect(await hostile.evaluate('window.opened.closed')).toBe(true);
    expect(await popup.evaluate('window.opener')).toBeNull();
    await hostile.evaluate(`{ window.opened.location = 'about:blank' }`);
    await signedInAs(popup, 'Dr Amara Okafor');
    await popup.close();
  });
});

test('an ordinary link from another site opens the app with the person still signed in', async () => {
  await lure('127.0.0.1');
  await hostile.evaluate(`{
    const link = document.createElement('a');
    link.href = '${rig.baseUrl}/sessions?ward=7';
    link.textContent = 'The ward';
    document.body.append(link);
  }`);
  await hostile.getByRole('link', { name: 'The ward' }).click();
  await signedInAs(hostile, 'Dr Amara Okafor');
});
