/** Every requirement that the report speaks of, in the order in which it does. */
import { asvs } from './asvs.ts';
import { cis2 } from './cis2.ts';
import { openIdFoundation } from './openid-foundation.ts';
import { openId } from './openid.ts';
import { practice } from './practice.ts';
import { rfc10017 } from './rfc10017.ts';
import { rfc9700 } from './rfc9700.ts';
import type { Standard } from '../requirement.ts';

export const catalogue: readonly Standard[] = [
  cis2,
  openIdFoundation,
  rfc10017,
  rfc9700,
  openId,
  asvs,
  practice,
];
