import type { Standard } from '../requirement.ts';

const high = 'id and meaning: high';
const medium = 'id: high; meaning: medium';
const noId = 'no id of CIS2’s is known: the id is ours; meaning: medium';

export const cis2: Standard = {
  key: 'cis2',
  title: 'NHS CIS2 Authentication: technical conformance',
  about:
    'These ids were recovered from public sources. They are not CIS2’s own list, which is not public: ask for the ' +
    'current one when you engage. What an id stands for is told with how sure it is. Other ids exist (Ses 001, 004 ' +
    'and 006, Sec 001, 002 and from 004, SC 001, perhaps whole series) whose meaning is unknown.',
  requirements: [
    {
      id: 'CIS2-UI-001',
      section: 'NHS CIA UI Req 001',
      level: 'M',
      requirement: 'The subject that UserInfo names is the one of the ID token.',
      confidence: medium,
    },
    {
      id: 'CIS2-SC-002',
      section: 'NHS CIA SC Req 002',
      level: 'M',
      requirement: 'Nobody gets in below identity assurance level 3.',
      confidence: 'id and meaning: medium',
    },
    {
      id: 'CIS2-SC-003',
      section: 'NHS CIA SC Req 003',
      level: 'M',
      requirement: 'No scope is asked for that is not needed.',
      confidence: high,
    },
    {
      id: 'CIS2-ACR-001',
      section: 'NHS CIA ACR Req 001',
      level: 'M',
      requirement: 'The authentication assurance that comes back is checked, not the one that was asked for.',
      confidence: 'id and meaning: medium',
    },
    {
      id: 'CIS2-SES-002',
      section: 'NHS CIA Ses Req 002',
      level: 'M',
      requirement:
        'A sign-in asks for a fresh authentication: prompt=login, or a max_age of at most five minutes.',
      confidence: high,
    },
    {
      id: 'CIS2-SES-003',
      section: 'NHS CIA Ses Req 003',
      level: 'M',
      requirement: 'The time of the authentication is checked.',
      confidence: 'id and meaning: medium',
    },
    {
      id: 'CIS2-SES-005',
      section: 'NHS CIA Ses Req 005',
      level: 'M',
      requirement: 'A session ends after 15 minutes without activity.',
      confidence: high,
    },
    {
      id: 'CIS2-SES-007',
      section: 'NHS CIA Ses Req 007',
      level: 'M',
      requirement: 'No session lasts longer than 12 hours.',
      confidence: high,
    },
    {
      id: 'CIS2-SEC-003',
      section: 'NHS CIA Sec Req 003',
      level: 'M',
      requirement: 'Connections to CIS2 use TLS 1.2 or newer.',
      confidence: high,
    },
    {
      id: 'CIS2-BCL',
      section: 'back-channel logout',
      level: 'M',
      requirement: 'A back-channel logout ends the session here.',
      confidence: noId,
      limits: 'CIS2 itself has not called: how often it tries, and from where, is not public.',
    },
    {
      id: 'CIS2-IDT',
      section: 'ID token and state',
      level: 'M',
      requirement: 'ID tokens are validated as OpenID Connect Core says, and state protects the redirect.',
      confidence: noId,
    },
    {
      id: 'CIS2-TLS',
      section: 'certificates',
      level: 'M',
      requirement: 'The certificate of CIS2 is validated: its chain, its name and its dates.',
      confidence: noId,
    },
    {
      id: 'CIS2-PKJ',
      section: 'client authentication',
      level: 'M',
      requirement: 'The client authenticates with a private key JWT (or has that on its list of work).',
      confidence: noId,
    },
  ],
};
