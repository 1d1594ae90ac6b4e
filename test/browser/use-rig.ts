import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
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

/** Tests that wait for time to pass, all at once. Each has profiles of its own, and pulls no smartcard that another needs. */
export function sideBySide(subject: string, tests: Readonly<Record<string, () => Promise<void>>>): void {
  describe(subject, () => {
    const running = new Map<string, Promise<void>>();
    beforeAll(async () => {
      for (const [name, run] of Object.entries(tests)) running.set(name, run());
      // Until all have ended: the end of a test closes every profile.
      await Promise.allSettled(running.values());
    });
    for (const name of Object.keys(tests)) test(name, () => running.get(name));
  });
}
