import type { Standard } from '../requirement.ts';

export const rfc9700: Standard = {
  key: 'rfc9700',
  title: 'RFC 9700: OAuth 2.0 security best current practice, and what it builds on',
  about: 'With RFC 6749, 7009, 7523, 7636, 8414, 9207 and 9449 where they say it.',
  requirements: [
    { id: 'S-01', section: '2.1, 4.11', level: 'M', requirement: 'No redirect can be led to another site.' },
    {
      id: 'S-02',
      section: '2.1.1, 4.7',
      level: 'M',
      requirement: 'A callback counts once, and only in the browser that began the sign-in.',
    },
    {
      id: 'S-03',
      section: '2.1.1; RFC 7636',
      level: 'M',
      requirement: 'PKCE with S256, with a verifier for each attempt alone.',
    },
    {
      id: 'S-04',
      section: '2.1, 4.4; RFC 9207',
      level: 'M',
      requirement: 'A response of another provider is not taken for this one’s (mix-up).',
      limits:
        'The product knows one provider. What is shown is that a wrong or missing name stops the sign-in.',
    },
    {
      id: 'S-05',
      section: '4.5',
      level: 'M',
      requirement: 'Somebody else’s code is of no use in one’s own callback.',
    },
    {
      id: 'S-06',
      section: '2.5; RFC 7523',
      level: 'R',
      requirement:
        'The client authenticates with a signature: short-lived, once, for this endpoint, by a published key.',
    },
    {
      id: 'S-07',
      section: '2.4, 2.1.2',
      level: 'M',
      requirement: 'Neither the password grant nor the implicit grant is used.',
    },
    {
      id: 'S-08',
      section: '2.3',
      level: 'S',
      requirement: 'No more is asked for than is needed.',
    },
    {
      id: 'S-09',
      section: '2.6; RFC 8414',
      level: 'R',
      requirement: 'Endpoints and keys come from the provider’s metadata, and follow it when it changes.',
    },
    {
      id: 'S-10',
      section: '4.12',
      level: 'M',
      requirement: 'No redirect makes a browser send a form again (307).',
    },
    {
      id: 'S-11',
      section: '4.2',
      level: 'S',
      requirement: 'Neither code nor state leaks by way of the Referer header.',
    },
    {
      id: 'S-12',
      section: '4.13',
      level: 'M',
      requirement: 'Headers that a proxy might set are not believed from a client.',
    },
    {
      id: 'S-13',
      section: '4.14',
      level: 'M',
      requirement: 'Tokens and verifiers stand in no log, no store in the clear, and no response.',
      limits: 'CloudWatch and X-Ray were not looked at: the log lines were.',
    },
    {
      id: 'S-14',
      section: '4.14.2',
      level: 'S',
      requirement: 'Refresh tokens that are used once are refreshed once, whoever asks at the same time.',
      limits:
        'Over HTTP with the four instances that a local run has; every order of more is gone through below it.',
    },
    {
      id: 'S-15',
      section: '4.14.2',
      level: 'R',
      requirement: 'A lost response to a refresh ends in a sign-in, not in a loop.',
    },
    {
      id: 'S-16',
      section: 'RFC 7009',
      level: 'R',
      requirement: 'Signing out revokes the tokens that are held.',
      open: {
        notBuiltYet:
          'A sign-out makes tokens unreadable for good; the API platform is not told. Its access tokens last ten minutes.',
      },
    },
    {
      id: 'S-17',
      section: 'RFC 8414 section 3.3',
      level: 'M',
      requirement: 'The issuer in the metadata is compared character by character, :443 included.',
    },
    { id: 'S-18', section: '4.16', level: 'S', requirement: 'No response can be framed by another page.' },
    {
      id: 'S-19',
      section: 'RFC 9449',
      level: 'R',
      requirement: 'Keys that bind tokens to their sender (DPoP) are one a session and never leave.',
      open: { notApplicable: 'No token is bound by DPoP: the public documents of CIS2 offer no such thing.' },
    },
  ],
};
