import { defineBff, defineUpstreams, digits, oneOf, pds, text } from 'cis2-bff/manifest';

export const upstreams = defineUpstreams({
  pds,
  referrals: {
    title: 'Referrals',
    accept: ['application/json'],
    routes: {
      'GET /Referral/{id}': {
        summary: 'Read a referral',
        parameters: { id: digits(4) },
        query: { view: oneOf('short', 'full'), note: text(20) },
        token: 'cis2',
        role: 'chosen',
      },
      'POST /Referral': {
        summary: 'Refer somebody',
        body: { types: ['application/json'], maxBytes: 1_000 },
        token: 'cis2',
        role: [{ activityCodes: ['B0428'] }],
      },
    },
  },
  letters: {
    title: 'Letters',
    accept: ['application/json'],
    routes: { 'GET /Letter': { summary: 'List letters', token: 'cis2', role: 'chosen' } },
  },
});

export default defineBff({
  upstreams,
  acceptedRoles: 'any',
  idleSeconds: 600,
  spa: 'dist',
  contentSecurityPolicy: { 'img-src': ['data:'] },
  permissionsPolicy: { camera: ['self'] },
});
