import type { Standard } from '../requirement.ts';

export const openId: Standard = {
  key: 'openid',
  title: 'OpenID Connect: Core, RP-Initiated, Back-Channel and Front-Channel Logout',
  about: 'What the specifications ask of a relying party that uses the code flow.',
  requirements: [
    {
      id: 'O-01',
      section: 'Core 3.1.3.7 (2)',
      level: 'M',
      requirement: 'The issuer of the ID token is exactly ours.',
    },
    {
      id: 'O-02',
      section: 'Core 3.1.3.7 (3)',
      level: 'M',
      requirement: 'We are the audience of the ID token, and no stranger is beside us.',
    },
    {
      id: 'O-03',
      section: 'Core 3.1.3.7 (4, 5)',
      level: 'S',
      requirement: 'An authorised party, where named, is us.',
    },
    {
      id: 'O-04',
      section: 'Core 3.1.3.7 (6, 7)',
      level: 'M',
      requirement:
        'The signature is verified, with the registered algorithm and the provider’s published keys alone.',
    },
    {
      id: 'O-05',
      section: 'Core 3.1.3.7 (9, 10)',
      level: 'M',
      requirement: 'Expired ID tokens, and ones issued too long ago or in the future, are refused.',
    },
    {
      id: 'O-06',
      section: 'Core 3.1.3.7 (11)',
      level: 'M',
      requirement: 'The nonce is the one of this attempt.',
    },
    {
      id: 'O-07',
      section: 'Core 3.1.3.7 (12)',
      level: 'S',
      requirement: 'A sign-in that is weaker than what was asked for gets no session, and is told so.',
      limits: 'Judged by the assurance levels that CIS2 states, not by acr, which CIS2 echoes.',
    },
    {
      id: 'O-08',
      section: 'Core 3.1.3.7 (13)',
      level: 'M',
      requirement: 'An authentication that is too old, or of unknown time, is refused.',
    },
    {
      id: 'O-09',
      section: 'Core 3.1.3.8',
      level: 'S',
      requirement: 'at_hash, where given, fits the access token.',
    },
    {
      id: 'O-10',
      section: 'Core 5.3.2',
      level: 'M',
      requirement: 'UserInfo of another subject is not used.',
    },
    {
      id: 'O-11',
      section: 'Core 12.2',
      level: 'M',
      requirement: 'A refreshed ID token names the same issuer, subject and authentication.',
      open: { notApplicable: 'The product asks CIS2 for no refresh token and never renews an ID token.' },
    },
    {
      id: 'O-12',
      section: 'Core 3.1.2.6',
      level: 'M',
      requirement:
        'An error response ends in a page of ours, whatever it says, and nothing of it is repeated there.',
    },
    {
      id: 'O-13',
      section: 'Core 10.1.1',
      level: 'S',
      requirement: 'A new key of the provider’s is fetched once; bogus ones make no flood of fetches.',
    },
    {
      id: 'O-14',
      section: 'Core 4',
      level: 'R',
      requirement: 'A sign-in that a third party starts is checked.',
      open: { notApplicable: 'There is no address for it. GET /auth/login ignores iss and target_link_uri.' },
    },
    {
      id: 'O-15',
      section: 'RP-Initiated 2',
      level: 'R',
      requirement: 'A request to end the provider’s session names who asks and where to come back.',
      open: {
        needsLiveCis2:
          'Whether CIS2 takes a client_id in place of an ID token, and how return addresses are registered, is not ' +
          'public. The step is off by default.',
      },
    },
    {
      id: 'O-16',
      section: 'RP-Initiated 1',
      level: 'S',
      requirement: 'Our own session ends first, and the person is told that the provider’s may live on.',
    },
    {
      id: 'O-17',
      section: 'RP-Initiated 3',
      level: 'S',
      requirement:
        'Coming back from the provider lands on the signed-out page, and nowhere else, whatever it brings.',
    },
    {
      id: 'L-01',
      section: 'Back-Channel 2.6',
      level: 'M',
      requirement: 'A logout token’s signature is verified, with the registered algorithm alone.',
    },
    {
      id: 'L-02',
      section: 'Back-Channel 2.6',
      level: 'M',
      requirement: 'Its issuer and audience are checked, and its times.',
    },
    { id: 'L-03', section: 'Back-Channel 2.6', level: 'M', requirement: 'It names a subject or a session.' },
    {
      id: 'L-04',
      section: 'Back-Channel 2.6',
      level: 'M',
      requirement: 'Its events hold the logout event, an object.',
    },
    {
      id: 'L-05',
      section: 'Back-Channel 2.6',
      level: 'M',
      requirement: 'It has no nonce, and an ID token is none.',
    },
    {
      id: 'L-06',
      section: 'Back-Channel 2.6',
      level: 'R',
      requirement: 'The same token again ends no session that began since.',
    },
    {
      id: 'L-07',
      section: 'Back-Channel 2.5, 2.8',
      level: 'M',
      requirement: 'It comes as a form by POST; the response is 200 or 400, and is never stored.',
      limits:
        'Responses with 413, 415 and 503 exist besides: the last tells the provider that it should try again.',
    },
    {
      id: 'L-08',
      section: 'Back-Channel 2.7',
      level: 'M',
      requirement: 'A session id ends that session; a subject alone ends all of the user’s.',
    },
    {
      id: 'L-09',
      section: 'Back-Channel 2.7',
      level: 'M',
      requirement: 'A logout for a session that is already over gets a 200.',
    },
    {
      id: 'L-10',
      section: 'Back-Channel 2.7',
      level: 'M',
      requirement: 'Nothing that is under way at the same time brings the session back.',
      limits: 'Shown for sign-in, activity, role change and token refresh.',
    },
    {
      id: 'L-11',
      section: 'Back-Channel 2.5',
      level: 'M',
      requirement: 'It needs no cookie, no CSRF header and no login, and takes no large body.',
    },
    {
      id: 'L-12',
      section: 'ASVS 10.5.5',
      level: 'R',
      requirement: 'Bad logout tokens are cheap: they make no flood of key fetches.',
    },
    {
      id: 'L-13',
      section: 'Front-Channel 2, 3',
      level: 'R',
      requirement: 'Front-channel logout is checked.',
      open: {
        notApplicable: 'There is no front-channel logout: CIS2’s public documents describe the back channel.',
      },
    },
  ],
};
