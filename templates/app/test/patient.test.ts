import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeBff } from 'cis2-bff/client/testing';
import type { upstreams } from '../bff.config.ts';
import { describePatient } from '../src/patient.ts';

test('says when a patient was born', async () => {
  const bff = createFakeBff<typeof upstreams>({
    session: { status: 'active' },
    api: { 'GET /api/pds/Patient/{id}': () => Response.json({ birthDate: '2010-10-22' }) },
  });
  assert.equal(await describePatient(bff, '9000000009'), 'The patient was born on 22 October 2010.');
  bff.stop();
});
