/** `npm run guard -- FILE ...`: fails when a change set would replace or remove what holds data, or what DNS leads to. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { ChangeSetUnreadable, lossesIn } from './change-set/guard.ts';

const usage = [
  'Usage: npm run guard -- FILE ... [--allow LOGICAL_ID ...]',
  '',
  'FILE is what aws cloudformation describe-change-set printed; - is standard input. Exits 1 when a table, secret, encryption key,',
  'bucket, log group, distribution or domain name would be replaced or would leave its stack, and when that cannot be told. --allow',
  'lets one resource through, for a change that was thought through; one that nothing is at stake for is refused.',
].join('\n');

const say = (line: string): void => void process.stderr.write(`${line}\n`);

function guard(files: readonly string[], allowed: readonly string[]): number {
  const losses = files.flatMap((file) => {
    try {
      return lossesIn(JSON.parse(readFileSync(file === '-' ? 0 : file, 'utf8')));
    } catch (error) {
      if (error instanceof ChangeSetUnreadable) throw error;
      throw new ChangeSetUnreadable(
        error instanceof SyntaxError ? `${file} is not JSON` : `${file} cannot be read`,
      );
    }
  });
  const unused = allowed.filter((id) => losses.every(({ logicalId }) => logicalId !== id));
  const refused = losses.filter(({ logicalId }) => !allowed.includes(logicalId));
  for (const { stack, logicalId, type, what } of refused) say(`${stack}: ${logicalId} (${type}) ${what}`);
  for (const id of unused) say(`--allow ${id}: nothing would happen to it`);
  return refused.length + unused.length === 0 ? 0 : 1;
}

function main(): number {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { allow: { type: 'string', multiple: true }, help: { type: 'boolean' } },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    if (positionals.length === 0) throw new TypeError('name a file');
    return guard(positionals, values.allow ?? []);
  } catch (error) {
    if (error instanceof ChangeSetUnreadable) {
      say(error.message);
      return 1;
    }
    if (!(error instanceof TypeError)) throw error;
    say(`${error.message}\n\n${usage}`);
    return 2;
  }
}

process.exitCode = main();
