/** The demo is what people copy: it stays small, because the library has what every app needs. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';

const demo = join(import.meta.dirname, '../../demo');

test('the demo has less than 700 lines, its styles left out', () => {
  const files = readdirSync(demo, { recursive: true, encoding: 'utf8' }).filter(
    (file) => /\.(?:tsx?|js|html|json)$/.test(file) && !file.startsWith('dist'),
  );
  expect(files.length).toBeGreaterThan(5);
  const lines = files.map((file) => readFileSync(join(demo, file), 'utf8').split('\n').length - 1);
  const sum = lines.reduce((total, count) => total + count, 0);
  process.stdout.write(`\ndemo: ${String(sum)} lines without styles\n`);
  expect(sum).toBeLessThan(700);
});
