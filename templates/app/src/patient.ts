import type { Bff } from 'cis2-bff/client';
import type { upstreams } from '../bff.config.ts';

/** Says when a patient was born. */
export async function describePatient(bff: Bff<typeof upstreams>, id: string): Promise<string> {
  const response = await bff.api('GET /api/pds/Patient/{id}', { parameters: { id } });
  const { birthDate } = (await response.json()) as { birthDate: string };
  return `The patient was born on ${new Date(birthDate).toLocaleDateString('en-GB', { dateStyle: 'long' })}.`;
}
