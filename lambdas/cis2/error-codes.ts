/** OAuth and OpenID error codes that may be named in a log; any other text is the sender's own and stays out. */
const knownErrors = new Set([
  'access_denied',
  'login_required',
  'interaction_required',
  'consent_required',
  'account_selection_required',
  'invalid_request',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_response_type',
  'server_error',
  'temporarily_unavailable',
  'invalid_client',
  'invalid_grant',
  'unsupported_grant_type',
  'invalid_token',
]);

export const knownError = (code: string): string => (knownErrors.has(code) ? code : 'of an unknown kind');
