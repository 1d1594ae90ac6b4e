import { afterAll, afterEach, expect } from '@jest/globals';
import { Rig } from './rig.ts';

/** A rig for one test file, to call at its top: after each test the browsers must have nothing to complain of. */
export async function useRig(): Promise<Rig> {
  const rig = await Rig.start();
  afterEach(async () => {
    expect(await rig.closeProfiles()).toEqual([]);
  });
  afterAll(async () => {
    await rig.stop();
  });
  return rig;
}
