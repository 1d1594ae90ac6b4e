import type { Standard } from '../requirement.ts';

const proxy = 'The API proxy (/api/*) is not there yet.';

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
        'Of the calls that need it, only the code exchange exists so far: nothing is refreshed or revoked.',
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
      requirement: 'Cookie names begin with a prefix that only an HTTP answer of this host can set.',
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
      open: { notBuiltYet: proxy },
    },
    {
      id: 'B-14',
      section: '6.1.3.6',
      level: 'M',
      requirement: 'Variable parts of a proxied path are validated strictly.',
      open: { notBuiltYet: proxy },
    },
    {
      id: 'B-15',
      section: '6.1.3.6',
      level: 'M',
      requirement: 'Only listed hosts and paths are proxied.',
      open: { notBuiltYet: proxy },
    },
    {
      id: 'B-16',
      section: '6.1.3.6',
      level: 'R',
      requirement: 'Each endpoint takes the methods it needs and no others.',
      limits: 'Shown for /auth. Nothing is proxied yet.',
    },
    {
      id: 'B-17',
      section: '6.1.1, 6.1.3.6',
      level: 'M',
      requirement: 'A proxied call carries the token and not the cookie.',
      open: { notBuiltYet: proxy },
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
      open: {
        notBuiltYet:
          'No refresh token is held: CIS2’s are not used, and the API platform’s come with the proxy.',
      },
    },
    {
      id: 'B-20',
      section: '6.1.2.2',
      level: 'S',
      requirement: 'A session ends when its refresh token is known to be dead.',
      open: { notBuiltYet: 'No refresh token is held yet.' },
    },
    {
      id: 'B-21',
      section: '6.1.2.2',
      level: 'M',
      requirement: 'The backend refreshes tokens in the page’s stead.',
      open: { notBuiltYet: 'No token is refreshed yet.' },
    },
    {
      id: 'B-22',
      section: '6.1.3.5',
      level: 'R',
      requirement: 'An upstream that limits rates can tell users apart.',
      open: { notBuiltYet: proxy },
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
      open: { notBuiltYet: proxy },
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
