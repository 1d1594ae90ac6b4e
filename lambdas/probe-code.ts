/**
 * The authorization code with which `doctor` completes a sign-in. CIS2 never issues it, so its refusal shows only that CIS2 accepts
 * our client assertion, and is not counted as a failed sign-in. Whoever else sends it keeps their own request from being counted and
 * nobody else's: the code of a person's sign-in comes from CIS2.
 */
export const probeCode = 'cis2-bff-doctor';
