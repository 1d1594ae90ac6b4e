/** Every requirement that the report speaks of, in the order in which it does. */
import { asvs } from './asvs.ts';
import { cis2 } from './cis2.ts';
import { openIdFoundation } from './openid-foundation.ts';
import { openId } from './openid.ts';
import { practice } from './practice.ts';
import { proofs } from './proofs.ts';
import { rfc10017 } from './rfc10017.ts';
import { rfc9700 } from './rfc9700.ts';
import type { Requirement, Standard } from '../requirement.ts';

export const catalogue: readonly Standard[] = [
  cis2,
  openIdFoundation,
  rfc10017,
  rfc9700,
  openId,
  asvs,
  practice,
].map((standard) => ({ ...standard, requirements: standard.requirements.map(withProof) }));

function withProof(requirement: Requirement): Requirement {
  const exchange = proofs[requirement.id];
  return exchange === undefined ? requirement : { ...requirement, exchange };
}
