import { isDeepStrictEqual } from 'node:util';
import jsonPatch, { type Operation } from 'fast-json-patch';
import { isObject, parseJson } from '../../lambdas/common/json.ts';
import { PdsError } from './outcome.ts';
import { etagOf, genders, isRestricted, type Patient } from './patient.ts';

const patchType = /^application\/json-patch\+json\s*(;|$)/i;

const invalidUpdate = (what: string): PdsError =>
  new PdsError('INVALID_UPDATE', `Invalid update with error - ${what}`);

/** The operations of a body: the list of RFC 6902, or PDS's own `{"patches": […]}` around it. */
function readPatches(body: string): Operation[] {
  const value = parseJson(body);
  if (value === undefined) throw invalidUpdate('The body is not JSON');
  const patches = isObject(value) && 'patches' in value ? value['patches'] : value;
  if (!Array.isArray(patches) || patches.length === 0) throw invalidUpdate('No patches found');
  return patches as Operation[];
}

function applied(patient: Patient, patches: Operation[]): Patient {
  try {
    return jsonPatch.applyPatch(patient, patches, true, false).newDocument;
  } catch (error) {
    const { name, operation } = error as { readonly name: string; readonly operation?: Operation };
    if (name === 'OPERATION_OP_INVALID' && operation !== undefined) {
      const op: unknown = operation.op;
      throw new PdsError(
        'INVALID_VALUE',
        `Invalid value - '${String(op)}' in field '${String(patches.indexOf(operation))}/op'`,
      );
    }
    throw invalidUpdate(`Invalid patch - ${name}`);
  }
}

/** Whether what is left is still a patient. The types promise nothing about a patched document. */
function isPatient(document: unknown): boolean {
  if (!isObject(document)) return false;
  const { name, gender, birthDate } = document;
  return (
    Array.isArray(name) &&
    name.length > 0 &&
    name.every(
      (one: unknown) => isObject(one) && typeof one['family'] === 'string' && Array.isArray(one['given']),
    ) &&
    genders.some((known) => known === gender) &&
    typeof birthDate === 'string' &&
    /^\d{4}-\d{2}-\d{2}$/.test(birthDate)
  );
}

/**
 * Applies a JSON Patch (RFC 6902), all of it or nothing, and counts the version up.
 *
 * @throws PdsError when it may not or cannot be applied
 */
export function update(
  patient: Patient,
  { contentType, ifMatch, body }: { contentType: string; ifMatch: string; body: string },
): Patient {
  if (!patchType.test(contentType)) throw new PdsError('UNSUPPORTED_SERVICE');
  if (isRestricted(patient)) {
    throw new PdsError('FORBIDDEN_UPDATE', 'Forbidden update with error - the record is restricted');
  }
  if (ifMatch !== etagOf(patient)) throw new PdsError('RESOURCE_VERSION_MISMATCH');
  const changed = applied(patient, readPatches(body));
  if (!isPatient(changed)) throw invalidUpdate('The result is no patient');
  for (const member of ['resourceType', 'id', 'identifier', 'meta'] as const) {
    if (!isDeepStrictEqual(changed[member], patient[member])) {
      throw new PdsError('FORBIDDEN_UPDATE', `Forbidden update with error - ${member} cannot be changed`);
    }
  }
  return {
    ...changed,
    meta: { ...patient.meta, versionId: String(Number(patient.meta.versionId) + 1) },
  };
}
