// Made from the route manifest: `cis2-bff manifest`.

/** Every call that the BFF forwards: `METHOD /path` → what it takes. */
export interface ApiRoutes {
  /** Search for a patient. Rule: a role chosen. */
  "GET /api/pds/Patient": {
    readonly parameters: Readonly<Record<string, never>>;
    readonly query: { readonly "family"?: string; readonly "given"?: string | readonly (string)[]; readonly "gender"?: "male" | "female" | "other" | "unknown"; readonly "birthdate"?: string | readonly (string)[]; readonly "address-postalcode"?: string; readonly "_max-results"?: string };
    readonly headers: Readonly<Record<string, never>>;
    readonly contentType: undefined;
  };

  /** Read a patient by NHS number. Rule: a role chosen. */
  "GET /api/pds/Patient/{id}": {
    readonly parameters: { readonly "id": string };
    readonly query: Readonly<Record<string, never>>;
    readonly headers: Readonly<Record<string, never>>;
    readonly contentType: undefined;
  };

  /** Change a patient’s record. Rule: a role chosen; authenticated within the last 300 s. */
  "PATCH /api/pds/Patient/{id}": {
    readonly parameters: { readonly "id": string };
    readonly query: Readonly<Record<string, never>>;
    readonly headers: { readonly "if-match"?: string };
    readonly contentType: "application/json-patch+json";
  };
}

export type ApiRouteKey = keyof ApiRoutes;

/** The manifest's own type, for `typeof upstreams`. There is no value behind it. */
export declare const upstreams: {
  readonly "pds": {
    readonly "title": "Personal Demographics Service (FHIR R4)";
    readonly "accept": readonly ["application/fhir+json", "application/json"];
    readonly "routes": {
      readonly "GET /Patient": {
        readonly "summary": "Search for a patient";
        readonly "query": {
          readonly "family": {
            readonly "pattern": "[^\\p{Cc}\\p{Cs}\\uFFFD]+";
            readonly "maxLength": 100;
            readonly "example": "a";
          };
          readonly "given": {
            readonly "pattern": "[^\\p{Cc}\\p{Cs}\\uFFFD]+";
            readonly "maxLength": 100;
            readonly "example": "a";
            readonly "maxCount": 5;
          };
          readonly "gender": {
            readonly "pattern": "male|female|other|unknown";
            readonly "maxLength": 7;
            readonly "values": readonly ["male", "female", "other", "unknown"];
            readonly "example": "male";
          };
          readonly "birthdate": {
            readonly "pattern": "(?:eq|ge|le)?[0-9]{4}-[0-9]{2}-[0-9]{2}";
            readonly "maxLength": 12;
            readonly "example": "eq1980-01-31";
            readonly "maxCount": 2;
          };
          readonly "address-postalcode": {
            readonly "pattern": "[^\\p{Cc}\\p{Cs}\\uFFFD]+";
            readonly "maxLength": 10;
            readonly "example": "a";
          };
          readonly "_max-results": {
            readonly "pattern": "[0-9]+";
            readonly "maxLength": 2;
            readonly "example": "1";
          };
        };
        readonly "token": "api-platform";
        readonly "role": "chosen";
      };
      readonly "GET /Patient/{id}": {
        readonly "summary": "Read a patient by NHS number";
        readonly "parameters": {
          readonly "id": {
            readonly "pattern": "[0-9]{10}";
            readonly "maxLength": 10;
            readonly "example": "9000000000";
          };
        };
        readonly "token": "api-platform";
        readonly "role": "chosen";
      };
      readonly "PATCH /Patient/{id}": {
        readonly "summary": "Change a patient’s record";
        readonly "parameters": {
          readonly "id": {
            readonly "pattern": "[0-9]{10}";
            readonly "maxLength": 10;
            readonly "example": "9000000000";
          };
        };
        readonly "requestHeaders": readonly ["if-match"];
        readonly "body": {
          readonly "types": readonly ["application/json-patch+json"];
          readonly "maxBytes": 65536;
        };
        readonly "token": "api-platform";
        readonly "role": "chosen";
        readonly "maximumSignInAge": 300;
      };
    };
  };
};
