import { beforeAll, describe, test } from '@jest/globals';

/** Tests that wait for time to pass, all at once. None may change what another needs: a smartcard, a fault, the settings of a rig. */
export function sideBySide(subject: string, tests: Readonly<Record<string, () => Promise<void>>>): void {
  describe(subject, () => {
    const running = new Map<string, Promise<void>>();
    beforeAll(async () => {
      for (const [name, run] of Object.entries(tests)) running.set(name, run());
      // Until all have ended: the end of a test resets the rig.
      await Promise.allSettled(running.values());
    });
    for (const name of Object.keys(tests)) {
      test(name, () => running.get(name) ?? Promise.reject(new Error('it was not started')));
    }
  });
}
