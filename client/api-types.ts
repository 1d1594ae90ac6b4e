// Made from the BFF's route manifest by `npm run manifest`.

/** Every call that the BFF forwards: `METHOD /path` → what it takes. */
export interface ApiRoutes {
  /** Search for a patient. Rule: a role chosen. */
  'GET /api/pds/Patient': {
    readonly parameters: Readonly<Record<string, never>>;
    readonly query: {
      readonly family?: string;
      readonly given?: string | readonly string[];
      readonly gender?: 'male' | 'female' | 'other' | 'unknown';
      readonly birthdate?: string | readonly string[];
      readonly 'address-postalcode'?: string;
      readonly '_max-results'?: string;
    };
    readonly headers: Readonly<Record<string, never>>;
    readonly contentType: undefined;
  };

  /** Read a patient by NHS number. Rule: a role chosen. */
  'GET /api/pds/Patient/{id}': {
    readonly parameters: { readonly id: string };
    readonly query: Readonly<Record<string, never>>;
    readonly headers: Readonly<Record<string, never>>;
    readonly contentType: undefined;
  };

  /** Change a patient’s record. Rule: a role chosen; authenticated within the last 300 s. */
  'PATCH /api/pds/Patient/{id}': {
    readonly parameters: { readonly id: string };
    readonly query: Readonly<Record<string, never>>;
    readonly headers: { readonly 'if-match'?: string };
    readonly contentType: 'application/json-patch+json';
  };
}

export type ApiRouteKey = keyof ApiRoutes;
