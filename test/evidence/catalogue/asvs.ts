import type { Requirement, Standard } from '../requirement.ts';

type Row = readonly [
  number: string,
  level: 'L1' | 'L2' | 'L3',
  requirement: string,
  more?: Pick<Requirement, 'limits' | 'open'>,
];

const chapter = (section: string, rows: readonly Row[]): Requirement[] =>
  rows.map(([number, level, requirement, more]) => ({
    id: `ASVS-${number}`,
    section,
    level,
    requirement,
    ...more,
  }));

const notApplicable = (reason: string) => ({ open: { notApplicable: reason } });
const notBuiltYet = (reason: string) => ({ open: { notBuiltYet: reason } });

const edge =
  'HTTP messages are taken apart by CloudFront and API Gateway; the product gets a request as JSON.';
const noSocketTokens = 'The WebSocket is opened with the cookie of the session.';

export const asvs: Standard = {
  key: 'asvs',
  title: 'OWASP ASVS 5.0: the rows that a backend for frontend is held to',
  about: 'Chosen from chapters V3 to V16 for a backend for frontend; it is not the whole standard.',
  requirements: [
    ...chapter('V3 Web frontend', [
      ['3.1.1', 'L3', 'The security features that are expected of a browser are documented.'],
      ['3.2.1', 'L1', 'A response to a fetch is not rendered when somebody opens it as a page.'],
      ['3.3.1', 'L1', 'Cookies are Secure, with a prefix that says so.'],
      ['3.3.2', 'L2', 'Each cookie has the SameSite that its purpose allows.'],
      ['3.3.3', 'L2', 'Cookies have the __Host- prefix.'],
      ['3.3.4', 'L2', 'The session cookie is HttpOnly, and its value stands nowhere but in Set-Cookie.'],
      ['3.3.5', 'L3', 'Cookies stay far below 4,096 bytes, however many tabs are signing in.'],
      ['3.4.1', 'L1', 'Every response says HSTS, for a year at least and for subdomains.'],
      ['3.4.2', 'L1', 'No cross-origin approval is given by CORS headers.'],
      [
        '3.4.3',
        'L2',
        'The content security policy forbids plug-ins and base addresses, and names its sources.',
      ],
      ['3.4.4', 'L2', 'Every response forbids content sniffing.'],
      ['3.4.5', 'L2', 'A referrer policy keeps addresses to ourselves.'],
      ['3.4.6', 'L2', 'Every response says who may frame it: nobody.'],
      ['3.4.7', 'L3', 'Violations of the policy are reported.', notBuiltYet('No address takes reports.')],
      ['3.4.8', 'L3', 'Documents cut themselves off from whoever opened them.'],
      ['3.5.1', 'L1', 'Requests that need no preflight are protected against forgery.'],
      ['3.5.2', 'L1', 'Where a preflight is relied on, no request can do without one.'],
      ['3.5.3', 'L1', 'Nothing is changed by a safe method.'],
      ['3.5.4', 'L2', 'The application has a host name of its own.'],
      [
        '3.5.5',
        'L2',
        'Messages from other windows are checked for origin and form.',
        notApplicable(
          'No page listens for messages of other windows. Tabs of one origin use a BroadcastChannel.',
        ),
      ],
      ['3.5.6', 'L3', 'No data comes as a script (JSONP).'],
      ['3.5.7', 'L3', 'No response that depends on the user can be loaded as a script.'],
      ['3.5.8', 'L3', 'Another site cannot embed what belongs to a signed-in user.'],
      ['3.6.1', 'L3', 'What comes from other hosts is pinned. Here nothing does.'],
      ['3.7.2', 'L2', 'Redirects leave our own origin for CIS2 only.'],
      [
        '3.7.3',
        'L3',
        'People are told before they leave for a site that is not ours.',
        notApplicable('The only other site is CIS2, and the button that leads there says so.'),
      ],
      ['3.7.5', 'L3', 'What happens in a browser without those features is defined.'],
    ]),
    ...chapter('V4 API and web service', [
      ['4.1.1', 'L1', 'Every response with a body says what type it is.'],
      ['4.1.3', 'L2', 'Headers that intermediaries set cannot be set by a user.'],
      ['4.1.4', 'L3', 'Only the methods that are meant are taken.'],
      ['4.2.1', 'L2', 'The ends of messages are not in doubt (request smuggling).', notApplicable(edge)],
      ['4.2.2', 'L3', 'Lengths do not contradict the framing.', notApplicable(edge)],
      ['4.2.3', 'L3', 'No connection-specific header goes through.', notApplicable(edge)],
      [
        '4.2.4',
        'L3',
        'No line end gets into a header.',
        { limits: 'Shown for our responses. What is received is checked by CloudFront and API Gateway.' },
      ],
      ['4.2.5', 'L3', 'Nothing that a user sends makes us build an address or header that is too long.'],
      ['4.4.1', 'L1', 'WebSockets are encrypted.'],
      ['4.4.2', 'L2', 'Their origin is checked.'],
      ['4.4.3', 'L2', 'They have session tokens of their own.', notApplicable(noSocketTokens)],
      ['4.4.4', 'L2', 'Those come from the session.', notApplicable(noSocketTokens)],
    ]),
    ...chapter('V6 Authentication', [
      ['6.8.1', 'L2', 'A person is known by issuer and subject together.'],
      ['6.8.2', 'L2', 'The signature of an assertion of identity is always verified.'],
      [
        '6.8.4',
        'L2',
        'Strength, method and time of the authentication are judged, and the least is assumed.',
      ],
    ]),
    ...chapter('V7 Session management', [
      ['7.1.1', 'L2', 'Time limits are documented, with reasons beside those of NIST SP 800-63B.'],
      ['7.1.2', 'L2', 'How many sessions a user can have at once, and what happens beyond, is said and so.'],
      [
        '7.1.3',
        'L2',
        'The lifetimes of the federation are documented.',
        {
          open: {
            needsLiveCis2:
              'How long CIS2’s own session lives is not public, so that it can be set beside ours.',
          },
        },
      ],
      ['7.2.1', 'L1', 'Sessions are verified on the server.'],
      ['7.2.2', 'L1', 'Session tokens are made anew for each session.'],
      ['7.2.3', 'L1', 'They have 128 random bits at least, from a sound source.'],
      ['7.2.4', 'L1', 'Authenticating makes a new token and ends the old one.'],
      ['7.3.1', 'L2', 'Sessions end of inactivity; asking who is signed in is none.'],
      ['7.3.2', 'L2', 'Sessions end after an absolute time, however active.'],
      ['7.4.1', 'L1', 'A session that has ended cannot be used again.'],
      ['7.4.2', 'L1', 'All sessions of a user who is disabled end.'],
      [
        '7.4.3',
        'L2',
        'After a change of credentials other sessions can be ended.',
        notApplicable('Credentials belong to CIS2; none is changed here.'),
      ],
      ['7.4.4', 'L2', 'Every page of a signed-in user shows how to sign out.'],
      ['7.4.5', 'L2', 'Operators can end the sessions of one user, or all.'],
      ['7.5.1', 'L2', 'Sensitive changes ask for a fresh authentication.'],
      [
        '7.5.2',
        'L2',
        'Users see their own sessions and can end them.',
        { limits: 'No fresh authentication is asked for before one is ended.' },
      ],
      [
        '7.5.3',
        'L3',
        'Highly sensitive operations ask for a further proof.',
        { limits: 'Shown for the one that there is: a change of a patient’s record.' },
      ],
      [
        '7.6.1',
        'L2',
        'Our session does not outlive what the provider allows.',
        { open: { needsLiveCis2: 'How long CIS2’s own session lives is not public.' } },
      ],
      ['7.6.2', 'L2', 'No session begins without an act of the user.'],
    ]),
    ...chapter('V8 Authorisation', [['8.3.3', 'L3', 'A call in a user’s stead has that user’s rights.']]),
    ...chapter('V9 Self-contained tokens', [
      ['9.1.1', 'L1', 'Signatures are verified before anything is believed.'],
      ['9.1.2', 'L1', 'Algorithms are listed; none is taken because a token says so.'],
      ['9.1.3', 'L1', 'Keys come from a trusted place, not from the token.'],
      ['9.2.1', 'L1', 'Times of validity are checked.'],
      ['9.2.2', 'L2', 'A token of another kind is not taken.'],
      ['9.2.3', 'L2', 'A token for another audience is not taken.'],
      ['9.2.4', 'L2', 'A key that signs for many audiences makes no token good for ours.'],
    ]),
    ...chapter('V10 OAuth and OpenID Connect', [
      ['10.1.1', 'L2', 'Tokens go only where they are needed: not into a browser.'],
      ['10.1.2', 'L2', 'Values count only in the browser and the attempt that they were made for.'],
      ['10.2.1', 'L2', 'The code flow is protected against forged callbacks.'],
      ['10.2.2', 'L2', 'Responses of another provider are told apart.'],
      ['10.2.3', 'L3', 'Only the scopes that are needed are asked for.'],
      [
        '10.3.5',
        'L3',
        'A resource server takes only tokens that are bound to their sender.',
        notApplicable('The product takes no access token: it is no resource server.'),
      ],
      [
        '10.4.13',
        'L3',
        'The authorisation server demands pushed requests.',
        notApplicable('A rule for the provider. CIS2’s public documents name no endpoint for it.'),
      ],
      [
        '10.4.16',
        'L3',
        'The authorisation server demands strong client authentication.',
        notApplicable('A rule for the provider. That ours is strong is S-06.'),
      ],
      ['10.5.1', 'L2', 'ID tokens cannot be replayed.'],
      ['10.5.2', 'L2', 'Users are known by the subject, which no other claim can replace.'],
      ['10.5.3', 'L2', 'Metadata of another issuer is refused.'],
      ['10.5.4', 'L2', 'ID tokens for another client are refused.'],
      [
        '10.5.5',
        'L2',
        'Logout tokens are told from other tokens, name their event, have no nonce and are recent.',
      ],
    ]),
    ...chapter('V11 Cryptography', [
      ['11.3.2', 'L1', 'Approved ciphers and modes only.'],
      ['11.3.3', 'L2', 'What is encrypted is protected against changes as well.'],
      ['11.5.1', 'L2', 'Random values that must not be guessed have 128 bits at least.'],
    ]),
    ...chapter('V13 Configuration', [
      ['13.2.4', 'L2', 'What the application may call is limited to what is listed.'],
      [
        '13.2.5',
        'L2',
        'What the servers can reach is limited to what is listed.',
        notBuiltYet('Functions run without a network of their own; no firewall limits what they reach.'),
      ],
      ['13.3.1', 'L2', 'Secrets are in a secrets manager, and never in code or settings.'],
      ['13.3.2', 'L2', 'Each secret can be read by those who need it and no others.'],
      [
        '13.3.3',
        'L3',
        'Keys are used inside an isolated module.',
        {
          limits:
            'Shown for signing keys where KMS is chosen for them. By default they lie sealed in Secrets Manager and sign in the memory of the functions that use them.',
        },
      ],
      [
        '13.3.4',
        'L3',
        'Secrets are changed by schedule.',
        {
          limits:
            'Shown for signing keys. The API platform gives its credentials to a person, who changes them by hand.',
        },
      ],
      ['13.4.2', 'L2', 'No debugging in production.'],
      ['13.4.5', 'L2', 'No inside documentation or monitoring is served.'],
      ['13.4.6', 'L3', 'No response tells what software or version is running.'],
    ]),
    ...chapter('V14 Data protection', [
      ['14.2.1', 'L1', 'Nothing sensitive stands in an address.'],
      ['14.2.2', 'L2', 'Nothing sensitive is kept by caches on the way.'],
      ['14.2.5', 'L3', 'An address that looks like a file’s does not make a cache keep a response.'],
      ['14.3.1', 'L1', 'What the page showed is gone when the session has ended.'],
      ['14.3.2', 'L2', 'Responses with anything personal are not stored.'],
      ['14.3.3', 'L2', 'Nothing personal lies in the browser’s storage.'],
    ]),
    ...chapter('V16 Logging and error handling', [
      ['16.2.5', 'L2', 'Session tokens and personal data stand in no log.'],
      ['16.3.1', 'L2', 'Sign-ins are logged, good and bad.'],
      ['16.3.2', 'L2', 'Refused authorisation is logged.'],
      ['16.3.3', 'L2', 'Attempts to get round a control are logged.'],
      ['16.3.4', 'L2', 'Failures are logged.'],
      ['16.4.1', 'L2', 'Nobody can forge a log entry.'],
      ['16.5.1', 'L2', 'A failure is told in general words, with nothing of the inside.'],
      ['16.5.2', 'L2', 'The application goes on in a safe way while others are away.'],
      ['16.5.3', 'L2', 'A failure closes, it does not open.'],
      ['16.5.4', 'L3', 'An error that nobody expected is caught in the end.'],
    ]),
  ],
};
