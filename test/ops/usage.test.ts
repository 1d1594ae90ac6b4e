import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ops, opsProcess } from './command.ts';

describe('a command line that does not say what to do ends with 2 and one line', () => {
  test.each([
    ['no command', [], 'no command; the commands are: keys status, keys rotate, keys promote, keys import'],
    [
      'half a command',
      ['keys'],
      'unknown command "keys": did you mean keys status? The commands are: keys status',
    ],
    [
      'another command',
      ['sessions', 'show', '--uid', '9'],
      'unknown command "sessions show": did you mean sessions ',
    ],
    ['nobody’s sessions', ['sessions', 'list', '--local', '3000'], 'sessions list needs --uid UID'],
    ['no sessions to end', ['sessions', 'end', '--local', '3000'], 'either --uid UID or --all, and not both'],
    [
      'a user and everybody',
      ['sessions', 'end', '--uid', '9', '--all', '--local', '3000'],
      'either --uid UID or --all, and not both',
    ],
    ['no uid', ['sessions', 'list', '--uid', 'a b', '--local', '3000'], '--uid must be'],
    ['an unknown option', ['keys', 'status', '--local', '3000', '--foo'], 'unknown option --foo (see '],
    [
      'a mistyped option',
      ['keys', 'status', '--lcoal', '3000'],
      'unknown option --lcoal: did you mean --local? (see ',
    ],
    ['an option of another command', ['keys', 'status', '--local', '3000', '--yes'], 'has no option --yes'],
    ['an option without its value', ['keys', 'status', '--local'], '--local needs a value'],
    [
      'an option in place of a value',
      ['keys', 'status', '--env', '--region', 'eu-west-2'],
      '--env needs a value',
    ],
    ['a switch with a value', ['keys', 'rotate', '--yes=no', '--env', 'dev'], '--yes takes no value'],
    ['help with a value', ['keys', 'rotate', '--help=no'], '--help takes no value'],
    ['an empty value', ['keys', 'status', '--env='], '--env needs a value'],
    ['an option twice', ['keys', 'status', '--env', 'dev', '--env', 'prod'], '--env was given twice'],
    ['no place', ['keys', 'status'], 'say where: --env NAME for an environment in AWS, --stack NAME'],
    ['two places', ['keys', 'status', '--env', 'dev', '--local', '3000'], 'give only one of --env, --local'],
    ['no name of a stack', ['keys', 'status', '--stack', '../App'], '--stack must be the name'],
    [
      'a construct of no stack',
      ['keys', 'status', '--env', 'dev', '--construct', 'Bff'],
      '--construct goes with --stack',
    ],
    ['no port', ['keys', 'status', '--local', '0'], '--local must be the port'],
    ['a port too high', ['keys', 'status', '--local', '65536'], '--local must be the port'],
    ['a port that is none', ['keys', 'status', '--local', '3e3'], '--local must be the port'],
    ['no name of an environment', ['keys', 'status', '--env', '../dev'], '--env must be the name'],
    ['no region', ['keys', 'status', '--env', 'dev', '--region', 'evil.example/'], '--region must be'],
    ['no purpose', ['keys', 'status', '--local', '3000', '--purpose', 'all'], '--purpose must be'],
    ['a word too many', ['keys', 'rotate', 'now', '--local', '3000'], 'keys rotate takes no "now"'],
    ['no file', ['keys', 'import', '--local', '3000'], 'keys import needs FILE'],
    ['an empty file name', ['keys', 'import', '', '--local', '3000'], 'keys import needs FILE'],
    ['no kid', ['keys', 'import', 'key.pem', '--kid', 'a b', '--local', '3000'], '--kid must be'],
    ['a strange kid', ['keys', 'import', 'key.pem', '--kid', '../x<y>', '--local', '3000'], '--kid must be'],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await ops(args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^cis2-bff ops: .* \(see npm run ops -- (?:[a-z]+ )*--help\)\n$/);
    expect(err).toContain(message);
  });
});

test('with --json bad usage is a document on standard output as well', async () => {
  const { code, out, err } = await ops(['keys', 'status', '--json']);
  const { error } = JSON.parse(out) as { error: { code: string; message: string } };
  expect({ code, errorCode: error.code }).toEqual({ code: 2, errorCode: 'bad_usage' });
  expect(err).toBe(`cis2-bff ops: ${error.message}\n`);
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await opsProcess(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test.each([[['--help']], [['-h']], [['keys', '--help']]])('%j lists every command', async (args) => {
  const { code, out, err } = await ops(args);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  for (const command of ['keys status', 'keys rotate', 'keys promote', 'keys import FILE', 'keys check']) {
    expect(out).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'));
  }
});

test.each([
  ['keys status', [], ['--yes', '--kid']],
  ['keys rotate', ['--yes', '--dry-run', 'secretsmanager:RotateSecret'], ['--kid', '--now']],
  ['keys promote', ['--yes', '--dry-run', 'lambda:InvokeFunction'], ['--kid', '--now', 'RotateSecret']],
  ['keys import', ['--yes', '--dry-run', '--kid', '--now'], ['RotateSecret']],
])('%s --help says what it takes and what AWS must allow', async (command, has, lacks) => {
  const { code, out } = await ops([...command.split(' '), '--help']);
  expect(code).toBe(0);
  for (const text of ['--env', '--local', '--purpose', '--json', 'cloudformation:DescribeStacks', ...has]) {
    expect(out).toContain(text);
  }
  for (const text of lacks) expect(out).not.toContain(text);
});
