/** The Personal Demographics Service (FHIR R4), the upstream that ships with the BFF. */
import type { UpstreamDefinition } from '../lambdas/api/manifest-types.ts';
import { digits, matching, oneOf, repeatable, text, wholeNumber } from '../lambdas/api/value-rules.ts';

/** A date, with the FHIR search prefixes that the Personal Demographics Service knows. */
const searchDate = matching(/(?:eq|ge|le)?[0-9]{4}-[0-9]{2}-[0-9]{2}/, 12, 'eq1980-01-31');

const nhsNumber = { id: digits(10) };

/** Searching for, reading and changing patients. */
export const pds = {
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
} as const satisfies UpstreamDefinition;
