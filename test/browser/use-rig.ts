import { afterAll, afterEach, expect } from '@jest/globals';
import { Rig } from './rig.ts';

/** A rig for one test file, to call at its top: after each test the browsers must have nothing to complain of. */
export async function useRig(...options: Parameters<typeof Rig.start>): Promise<Rig> {
  const rig = await Rig.start(...options);
  afterEach(async () => {
    expect(await rig.closeProfiles()).toEqual([]);
  });
  afterAll(async () => {
    await rig.stop();
  });
  return rig;
}
