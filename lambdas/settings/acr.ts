import { refuse, type Rule } from './rule.ts';

/** The authentication assurance level each CIS2 `acr_values` value asks for. */
export const acrLevels = {
  AAL1_USERPASS: 1,
  AAL2_ANY: 2,
  AAL2_OR_AAL3_ANY: 2,
  AAL2_TOTP: 2,
  AAL2_NHSMAIL: 2,
  AAL3_ANY: 3,
  AAL3_IOS: 3,
  AAL3_FIDO2: 3,
  AAL3_N3_SMARTCARD: 3,
  AAL3_CIS2_SMARTCARD: 3,
  AAL3_SMARTCARD: 3,
} as const;

export type AcrValue = keyof typeof acrLevels;
export const isAcrValue = (value: string): value is AcrValue => Object.hasOwn(acrLevels, value);

/** The value that asks for a level, with any authenticator that reaches it. */
export const acrOfLevel = (level: number): AcrValue => (level >= 3 ? 'AAL3_ANY' : 'AAL2_OR_AAL3_ANY');

export const acr: Rule<AcrValue> = (value) =>
  isAcrValue(value) ? value : refuse(`one of ${Object.keys(acrLevels).join(', ')}`, value);
