/**
 * The route manifest: every call that is forwarded, and nothing else is. The gateway's routes, the documents and the
 * types for clients are made from it (`npm run manifest`).
 *
 * Where an upstream is comes from configuration (the setting `UPSTREAMS`); one that is not configured is not there.
 */
import { defineUpstreams, routesOf } from './definition.ts';
import { digits, matching, oneOf, repeatable, text, wholeNumber } from './values.ts';

/** A date, with the FHIR search prefixes that the Personal Demographics Service knows. */
const searchDate = matching(/(?:eq|ge|le)?[0-9]{4}-[0-9]{2}-[0-9]{2}/, 12, 'eq1980-01-31');

const nhsNumber = { id: digits(10) };

export const upstreams = defineUpstreams({
  pds: {
    title: 'Personal Demographics Service (FHIR R4)',
    accept: ['application/fhir+json', 'application/json'],
    routes: {
      'GET /Patient': {
        summary: 'Search for a patient',
        query: {
          family: text(100),
          given: repeatable(text(100), 5),
          gender: oneOf('male', 'female', 'other', 'unknown'),
          // Twice makes a range.
          birthdate: repeatable(searchDate, 2),
          'address-postalcode': text(10),
          '_max-results': wholeNumber(2),
        },
        token: 'api-platform',
        role: 'chosen',
      },
      'GET /Patient/{id}': {
        summary: 'Read a patient by NHS number',
        parameters: nhsNumber,
        token: 'api-platform',
        role: 'chosen',
      },
      'PATCH /Patient/{id}': {
        summary: 'Change a patient’s record',
        parameters: nhsNumber,
        requestHeaders: ['if-match'],
        body: { types: ['application/json-patch+json'], maxBytes: 64 * 1024 },
        token: 'api-platform',
        role: 'chosen',
        maximumSignInAge: 300,
      },
    },
  },
});

export const apiRoutes = routesOf(upstreams);

/** What the gateway sends to the proxy; every other path under `/api` is an unknown one. */
export const apiPaths: readonly string[] = Object.keys(upstreams).map((name) => `/api/${name}/{proxy+}`);

export const upstreamNames: readonly string[] = Object.keys(upstreams);
