/**
 * What has been tried, or could be, to make a `returnTo` lead somewhere else. In every vector `HOST` and `PORT` stand
 * for our own; `evil.example` is the attacker's.
 */

const controls = [
  ...Array.from({ length: 0x20 }, (_, code) => code),
  ...Array.from({ length: 0x21 }, (_, index) => 0x7f + index),
].map((code) => String.fromCharCode(code));

/** Text as it is after decoding the query: each must be 400. */
export const refused: readonly string[] = [
  // nothing, and no path
  ...['', ' ', '.', '..', './', '../', 'x', 'ward/7', '?a=b', '#a', '~', '*', '@evil.example', ':80'],
  ...[
    'evil.example',
    'evil.example/',
    'www.evil.example',
    'evil.example:443',
    'localhost',
    'HOST',
    'HOST:PORT/',
  ],
  ...[' /', ' /ward', ' //evil.example', '\u00a0/ward', '\u3000//evil.example', '\ufeff//evil.example'],
  // another origin, said plainly
  ...['https://evil.example', 'https://evil.example/', 'http://evil.example', 'HTTPS://EVIL.EXAMPLE'],
  ...['https:evil.example', 'https:/evil.example', 'https:///evil.example', 'https:\\\\evil.example'],
  ...['http:evil.example', 'http:/evil.example', 'http:///evil.example', 'http:\\evil.example'],
  ...[
    'ftp://evil.example',
    'ws://evil.example',
    'wss://evil.example',
    'file:///etc/passwd',
    'blob:https://x/y',
  ],
  ...['javascript:alert(1)', 'JavaScript:alert(1)', 'javascript://evil.example/%0aalert(1)', 'vbscript:x'],
  ...['data:text/html,x', 'data:,x', 'about:blank', 'mailto:a@evil.example', 'tel:1', 'view-source:x', 'x:y'],
  ...['urn:a:b', 'intent://evil.example#Intent;end', 'android-app://evil.example', 'chrome://settings'],
  // our own, but as an address and not as a path
  ...['http://HOST:PORT/', 'http://HOST:PORT/ward', 'http:/ward', 'http:ward', '//HOST:PORT/ward'],
  ...['http://HOST:PORT.evil.example/', 'http://HOST:PORT@evil.example/', 'http://evil.example/@HOST:PORT'],
  ...[
    'https://HOST:PORT/',
    'http://HOST/',
    'http://HOST:1/',
    'http://127.0.0.1:PORT/',
    'http://user@HOST:PORT/',
  ],
  // two slashes, or what a browser takes for them
  ...['//', '///', '////', '//evil.example', '///evil.example', '////evil.example', '//evil.example/%2f..'],
  ...[
    '//evil.example@HOST:PORT/',
    '//HOST:PORT@evil.example/',
    '//user:pass@evil.example',
    '//evil.example:443/',
  ],
  ...[
    '/\\',
    '/\\evil.example',
    '/\\/evil.example',
    '/\\\\evil.example',
    '\\/evil.example',
    '\\\\evil.example',
  ],
  ...[
    '\\evil.example',
    '//\\evil.example',
    '//\\/evil.example',
    '///\\evil.example',
    '/\\HOST:PORT',
    '\\ward',
  ],
  ...['//[::1]/', '//0x7f000001/', '//2130706433/', '//127.1/', '//169.254.169.254/latest/', '//localhost'],
  ...[
    '//evil。example',
    '//evil．example',
    '//ｅｖｉｌ.example',
    '//evil%2eexample',
    '//xn--vil-4ma.example',
  ],
  ...['//?', '//#', '//..', '//.', '//%', '//@', '//:80', '//ev il.example', '//evil.example\\@HOST:PORT'],
  // a path that only becomes two slashes when it is parsed
  ...['/x/..//evil.example', '/.//evil.example', '/..//evil.example', '/../x/..//y'],
  ...['/x/y/../..//evil.example', '/%2e//evil.example', '/%2E//evil.example'],
  ...['/%2e%2e//evil.example', '/.%2e//evil.example', '/x/%2e%2e//evil.example', '/x/.%2E//evil.example'],
  ...[
    '/./\\evil.example',
    '/x/..\\\\evil.example',
    '/x\\..\\\\evil.example',
    '/.\\/evil.example',
    '/..\\\\x',
  ],
  ...['/x/..///evil.example', '/x/../..//..//evil.example', '/.//', '/..//', '/x/..//', '/x/..//@HOST:PORT'],
  ...['/x/..//evil.example?a=/b', '/x/..//evil.example#/b', '/.//HOST:PORT/ward'],
  // control characters, wherever they stand
  ...controls.map((control) => `/${control}/evil.example`),
  ...['\t//evil.example', '\n//evil.example', '\r\n//evil.example', '\0//evil.example', '\u001f/ward'],
  ...[
    '/\t/\t/evil.example',
    '/\t\\evil.example',
    '/ward\r\nSet-Cookie: a=b',
    '/ward\r\n\r\n<script>',
    '/ward\n',
    '/ward\0',
  ],
  ...[
    '/ward\u007f',
    '/ward\u0085Location: x',
    '/ward\u009b31m',
    'java\nscript:alert(1)',
    'h\tttps://evil.example',
  ],
  ...['/ward?a=\r\nb', '/ward#\r\nb', '/ward?a=\0', '/ward#\u001b]0;x\u0007'],
  // too long
  ...['/' + 'x'.repeat(1024), '/'.repeat(1025), '/?' + 'x'.repeat(1023), '/' + '€'.repeat(342)],
];

/**
 * Text as it is after decoding the query that looks wrong and is harmless: a path of ours for whoever parses it as a
 * browser does. It may be refused or taken; taken, it must land on our own origin.
 */
export const odd: readonly string[] = [
  ...['/evil.example', '/@evil.example', '/:@evil.example', '/https://evil.example', '/http:/evil.example'],
  ...[
    '/javascript:alert(1)',
    '/data:text/html,x',
    '/?next=//evil.example',
    '/#//evil.example',
    '/?//evil.example',
  ],
  ...[
    '/%2f/evil.example',
    '/%2f%2fevil.example',
    '/%2F%2Fevil.example',
    '/%5cevil.example',
    '/%5C%5Cevil.example',
  ],
  ...[
    '/%09/evil.example',
    '/%0a/evil.example',
    '/%0d%0aSet-Cookie:a=b',
    '/%00',
    '/%7f',
    '/%c2%85',
    '/%e2%80%a8',
  ],
  ...[
    '/%252f%252fevil.example',
    '/%25%32%66evil.example',
    '/%',
    '/%zz',
    '/%u002fevil.example',
    '/%c0%afevil',
  ],
  ...['/∕evil.example', '/⁄evil.example', '/／evil.example', '/＼evil.example', '/\u2044\u2044evil.example'],
  ...[
    '/\u2028/evil.example',
    '/\u2029',
    '/\u202eelpmaxe.live',
    '/\u200b/evil.example',
    '/\ufeff/evil.example',
  ],
  ...['/ /evil.example', '/\u00a0/evil.example', '/\u3000/evil.example', '/.evil.example', '/..evil.example'],
  ...['/;//evil.example', '/;@evil.example', '/a//evil.example', '/a/\\evil.example', '/a\\evil.example'],
  ...['/x/../evil.example', '/../../evil.example', '/%2e%2e/evil.example', '/./evil.example', '/x/%2e%2e/y'],
  ...[
    '/?returnTo=//evil.example&acr=AAL1',
    '/&acr_values=AAL1_USERPASS',
    '/?a#?b#c',
    '/<script>',
    '/"onload="x',
  ],
  ...["/'-alert(1)-'", '/{{7*7}}', '/${7*7}', '/../auth/logout', '/auth/login?returnTo=/', '/auth/callback'],
  ...['/api/pds/Patient', '/sign-in-error?code=access_denied', '/[::1]/', '/\ud83d\ude42', '/é', '/?é=ü#ß'],
];

/** A raw query value, which is decoded by the BFF alone, and whether it must be 400. */
export const encoded: readonly (readonly [value: string, mustBeRefused: boolean])[] = [
  ['%2F%2Fevil.example', true],
  ['%2f%2fevil.example', true],
  ['/%2Fevil.example', true],
  ['%2F/evil.example', true],
  ['/%5Cevil.example', true],
  ['%5C%5Cevil.example', true],
  ['/%09/evil.example', true],
  ['/%0A/evil.example', true],
  ['/%0d%0aSet-Cookie:%20a=b', true],
  ['/%00', true],
  ['%00/ward', true],
  ['%E2%80%A8/ward', true],
  ['/x/..%2F/evil.example', true],
  ['/x%2F..%2F%2Fevil.example', true],
  ['%68ttps://evil.example', true],
  ['javascript%3Aalert(1)', true],
  ['+//evil.example', true],
  ['+/ward', true],
  ['%20//evil.example', true],
  ['/%C2%85', true],
  ['/%7F', true],
  ['', true],
  ['/%252F%252Fevil.example', false],
  ['/%252e%252e//evil.example', false],
  ['/%EF%BC%8Fevil.example', false],
  ['/%ff%fe', false],
  ['/%', false],
  ['/%zz', false],
  ['/a+b', false],
  ['/%E0%80%AFevil.example', false],
  ['/%C0%AF%C0%AFevil.example', false],
];

/** Where people really go: each arrives as it was sent. */
export const good: readonly string[] = [
  '/',
  '/ward/7',
  '/ward/7/',
  '/patients/9000000009?tab=notes&open=1',
  '/search?q=a%20b&q=c%26d',
  '/search?q=a+b',
  '/?x=1',
  '/#/hash/route',
  '/ward#section-2',
  '/ward?next=https://example.org/a//b#c?d',
  '/a//b',
  '/a/;b=c',
  '/@handle',
  '/a:b',
  "/-._~!$&'()*+,;=:@",
  '/caf%C3%A9',
  '/%2F%2Fexample.org',
  '/100%25',
  '/index.html',
  '/deep/er/and/deep/er/still',
];

/** Sent and what arrives: the same place in the spelling of an address. */
export const normalised: readonly (readonly [sent: string, arrives: string])[] = [
  ['/café', '/caf%C3%A9'],
  ['/a b', '/a%20b'],
  ['/x/../ward', '/ward'],
  ['/./ward', '/ward'],
  ['/a\\b', '/a/b'],
  ['/?q=ü', '/?q=%C3%BC'],
  ['/🙂', '/%F0%9F%99%82'],
];
