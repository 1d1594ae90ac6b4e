/** Rotations by the operator's command, of a whole running product, while people sign in. */
import { afterAll, expect, jest, test } from '@jest/globals';
import { Installation } from './sign-in-load.ts';

// A machine with other work to do needs minutes for what takes half of one.
jest.setTimeout(400_000);

const perMinute = 200;
const reportLines: string[] = [];
afterAll(() => {
  process.stdout.write(
    `\nRotations while ${String(perMinute)} people a minute sign in:\n${reportLines.join('\n')}\n`,
  );
});

interface ChangeJson {
  readonly after: readonly { readonly kid: string; readonly place: string }[];
}

/** Rotates so often, one after the other; the provider fetches our keys when one is over, and only then. */
async function rotateUnderLoad(options: { bits: number; cacheSeconds: number; rotations: number }) {
  const installation = await Installation.start({
    'key-bits': options.bits,
    'key-cache-seconds': options.cacheSeconds,
  });
  try {
    const kids = new Set<string>();
    const seconds: number[] = [];
    await installation.whileSigningIn(60_000 / perMinute, async () => {
      for (let count = 0; count < options.rotations; count += 1) {
        const { code, out } = await installation.command('keys', 'rotate', '--yes', '--json');
        expect(code).toBe(0);
        seconds.push(rotationSeconds(installation));
        await installation.fetchKeys();
        const { after } = JSON.parse(out) as ChangeJson;
        kids.add(after.find(({ place }) => place === 'current')?.kid ?? '');
      }
    });
    reportLines.push(
      `  ${String(options.rotations)} rotations of keys of ${String(options.bits)} bits, cached for ${String(options.cacheSeconds)} s: ` +
        `${installation.summary}; a rotation took ${Math.min(...seconds).toFixed(1)} to ${Math.max(...seconds).toFixed(1)} s`,
    );
    const { results, failures } = installation;
    return { results, failures, kids };
  } finally {
    await installation.stop();
  }
}

/** From the first step's beginning to the last one's end, as the log tells it. */
function rotationSeconds({ bff }: Installation): number {
  const steps = bff.log.filter(({ event }) => event === 'rotation_step_done').slice(-4);
  const at = (index: number): number => Date.parse(String(steps.at(index)?.['time']));
  return (at(-1) - at(0)) / 1_000;
}

test('rotations in a row fail no sign-in, whether functions keep the keys for a minute or a second [ASVS-13.3.4, B-25]', async () => {
  const [minute, second] = await Promise.all([
    rotateUnderLoad({ bits: 2_048, cacheSeconds: 60, rotations: 5 }),
    rotateUnderLoad({ bits: 4_096, cacheSeconds: 1, rotations: 3 }),
  ]);
  expect([minute.kids.size, second.kids.size]).toEqual([5, 3]);
  for (const { results, failures } of [minute, second]) {
    expect(results.length).toBeGreaterThan(10);
    expect(failures).toEqual([]);
  }
});
