import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeBff } from 'cis2-bff/client/testing';
import type { upstreams } from '../bff.config.ts';
import { describeState } from '../src/describe-state.ts';

test('says who is signed in, and why somebody is not any more', () => {
  const bff = createFakeBff<typeof upstreams>();
  assert.equal(describeState(bff.session.get()), 'Nobody is signed in');
  bff.set({ status: 'ended', reason: 'idle', reference: null });
  assert.equal(describeState(bff.session.get()), 'You have been signed out (idle)');
  bff.stop();
});
