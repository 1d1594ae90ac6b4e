import { json, withHeaders, type HttpResponse } from '../control-panel/http.ts';

const fhirJson = 'application/fhir+json';

/** How PDS names an error: the code and display of Spine, and FHIR's own issue type. */
const errors = {
  ACCESS_DENIED: { status: 401, issue: 'forbidden', display: 'Access Denied - Unauthorised' },
  MISSING_VALUE: { status: 400, issue: 'required', display: 'Required value is missing' },
  INVALID_VALUE: { status: 400, issue: 'value', display: 'Provided value is invalid' },
  INVALID_SEARCH_DATA: { status: 400, issue: 'value', display: 'Search data is invalid' },
  ADDITIONAL_PROPERTIES: { status: 400, issue: 'value', display: 'Additional properties are not allowed' },
  UNSUPPORTED_SERVICE: { status: 400, issue: 'processing', display: 'Unsupported Service' },
  INVALID_RESOURCE_ID: { status: 400, issue: 'value', display: 'Resource Id is invalid' },
  INVALID_UPDATE: { status: 400, issue: 'structure', display: 'Update is invalid' },
  FORBIDDEN_UPDATE: { status: 403, issue: 'forbidden', display: 'Update is forbidden' },
  RESOURCE_NOT_FOUND: { status: 404, issue: 'not-found', display: 'Resource not found' },
  RESOURCE_VERSION_MISMATCH: {
    status: 409,
    issue: 'conflict',
    display: 'Resource version supplied does not match actual version',
  },
  PRECONDITION_FAILED: {
    status: 412,
    issue: 'structure',
    display: 'Required condition was not fulfilled',
  },
  TOO_MANY_REQUESTS: { status: 429, issue: 'throttled', display: 'Too many requests' },
} as const;

export type PdsErrorCode = keyof typeof errors;

/** A request that PDS refuses. The diagnostics are for the caller alone: they may repeat what it sent. */
export class PdsError extends Error {
  override readonly name = 'PdsError';
  readonly code: PdsErrorCode;
  readonly diagnostics: string | undefined;

  constructor(code: PdsErrorCode, diagnostics?: string) {
    super(code);
    this.code = code;
    this.diagnostics = diagnostics;
  }
}

interface Issue {
  readonly severity: 'error' | 'information';
  readonly issue: string;
  readonly code: string;
  readonly display: string;
  readonly diagnostics?: string | undefined;
}

/** A FHIR R4 OperationOutcome with one issue. */
export const operationOutcome = ({ severity, issue, code, display, diagnostics }: Issue) => ({
  resourceType: 'OperationOutcome',
  issue: [
    {
      severity,
      code: issue,
      details: {
        coding: [
          {
            system: 'https://fhir.hl7.org.uk/CodeSystem/Spine-ErrorOrWarningCode',
            version: '1',
            code,
            display,
          },
        ],
      },
      ...(diagnostics === undefined ? {} : { diagnostics }),
    },
  ],
});

export const fhirResponse = (
  status: number,
  resource: object,
  outcome: string,
  headers: Readonly<Record<string, string>> = {},
): HttpResponse => withHeaders(json(status, resource, outcome), { 'content-type': fhirJson, ...headers });

export function errorResponse({ code, diagnostics }: PdsError): HttpResponse {
  const { status, issue, display } = errors[code];
  return fhirResponse(
    status,
    operationOutcome({ severity: 'error', issue, code, display, diagnostics }),
    code,
  );
}
