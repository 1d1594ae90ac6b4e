/** Codes of a failed sign-in for which somebody is at fault: nobody chose it, and no rule of the app's refused it. */
export const faultCodes = [
  'internal_error',
  'provider_error',
  'provider_unavailable',
  'response_invalid',
] as const;
