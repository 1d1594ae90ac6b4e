import type { Standard } from '../requirement.ts';

export const rfc10017: Standard = {
  key: 'rfc10017',
  title: 'RFC 10017: OAuth 2.0 for browser-based applications, the backend for frontend',
  about: 'Section numbers are counted from the document’s headings.',
  requirements: [
    {
      id: 'B-01',
      section: '6.1.3.1',
      level: 'M',
      requirement: 'The backend is a confidential client and authenticates at the token endpoint.',
      limits:
        'No token is revoked at its issuer. The API platform takes the shared secret for a refresh, and a key for the rest.',
    },
    {
      id: 'B-02',
      section: '6.1.3.1',
      level: 'M',
      requirement: 'No grant is used but the authorisation code.',
    },
    { id: 'B-03', section: '6.1.3.2', level: 'M', requirement: 'Every cookie is Secure.' },
    { id: 'B-04', section: '6.1.3.2', level: 'M', requirement: 'Every cookie is HttpOnly.' },
    { id: 'B-05', section: '6.1.3.2', level: 'S', requirement: 'The session cookie is SameSite=Strict.' },
    { id: 'B-06', section: '6.1.3.2', level: 'S', requirement: 'Cookies have the path / and no domain.' },
    {
      id: 'B-07',
      section: '6.1.3.2',
      level: 'S',
      requirement: 'Cookie names begin with a prefix that only an HTTP response of this host can set.',
      limits: 'The browser part was run in Chromium; other engines know the shorter prefix at least.',
    },
    {
      id: 'B-08',
      section: '6.1.3.2',
      level: 'S',
      requirement: 'A cookie that held tokens would be encrypted. Ours holds random bits and nothing else.',
    },
    {
      id: 'B-09',
      section: '6.1.3.3',
      level: 'M',
      requirement: 'Requests that another site makes a browser send have no effect.',
    },
    {
      id: 'B-10',
      section: '6.1.3.3.1',
      level: 'M',
      requirement: 'SameSite is not the only defence: another origin of the same site gets nowhere either.',
    },
    {
      id: 'B-11',
      section: '6.1.3.3.2',
      level: 'M',
      requirement: 'Where a static header is the defence, no request of the page is served without it.',
    },
    {
      id: 'B-12',
      section: '6.1.3.3.2',
      level: 'M',
      requirement: 'No cross-origin request is ever approved (CORS).',
    },
    {
      id: 'B-13',
      section: '6.1.3.6',
      level: 'M',
      requirement: 'The hosts that a proxied call can reach are controlled strictly.',
    },
    {
      id: 'B-14',
      section: '6.1.3.6',
      level: 'M',
      requirement: 'Variable parts of a proxied path are validated strictly.',
    },
    {
      id: 'B-15',
      section: '6.1.3.6',
      level: 'M',
      requirement: 'Only listed hosts and paths are proxied.',
    },
    {
      id: 'B-16',
      section: '6.1.3.6',
      level: 'R',
      requirement: 'Each endpoint takes the methods it needs and no others.',
    },
    {
      id: 'B-17',
      section: '6.1.1, 6.1.3.6',
      level: 'M',
      requirement: 'A proxied call carries the token and not the cookie.',
    },
    {
      id: 'B-18',
      section: '6.1.2.1',
      level: 'R',
      requirement: 'The page can ask whether there is a session, and learns who is signed in, never a token.',
    },
    {
      id: 'B-19',
      section: '6.1.2.3',
      level: 'S',
      requirement: 'A session lasts no longer than its refresh token.',
      limits:
        'Tokens are for calls, and the session is CIS2’s: without a refresh token it can call no API until the user has signed in again, and goes on for the rest.',
    },
    {
      id: 'B-20',
      section: '6.1.2.2',
      level: 'S',
      requirement: 'A session ends when its refresh token is known to be dead.',
      limits:
        'The dead tokens are dropped, and calls that need them ask for another sign-in. The session goes on for what needs none.',
    },
    {
      id: 'B-21',
      section: '6.1.2.2',
      level: 'M',
      requirement: 'The backend refreshes tokens in the page’s stead.',
    },
    {
      id: 'B-22',
      section: '6.1.3.5',
      level: 'R',
      requirement: 'An upstream that limits rates can tell users apart.',
      limits:
        'By the token, the role and a correlation id of the session; no address of the browser’s is passed on.',
    },
    {
      id: 'B-23',
      section: '6',
      level: 'R',
      requirement: 'One application has the origin to itself.',
    },
    {
      id: 'B-24',
      section: '6.1.3.7',
      level: 'R',
      requirement: 'A token is good for one upstream only.',
      limits:
        'The API platform gives one token for all of its APIs. What is shown is that no other service gets it.',
    },
    {
      id: 'B-25',
      section: '6.1.3.7',
      level: 'R',
      requirement: 'Client authentication is by key, and tokens bound to their sender are encouraged.',
      limits:
        'Shown for client authentication. Tokens are not bound: CIS2’s public documents offer no way to.',
    },
    {
      id: 'B-26',
      section: '5',
      level: 'M',
      requirement: 'A hostile script in the page finds no token and no cookie, wherever it looks.',
    },
  ],
};
