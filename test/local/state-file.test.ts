import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { stateFileOf, writeStateFile } from '../../local/state-file.ts';

/** Beyond every real port, so no run of this machine's is in the way. */
const port = 70_000;
const file = stateFileOf(port);
const state = {
  pid: 1,
  baseUrl: 'http://localhost:70000',
  region: 'eu-west-2',
  endpoints: {
    dynamodb: 'http://127.0.0.1:1',
    secretsManager: 'http://127.0.0.1:2',
    kms: 'http://127.0.0.1:3',
    lambda: 'http://127.0.0.1:4',
    logs: 'http://127.0.0.1:5',
  },
  alarms: [],
  outputs: { JwksUrl: 'http://localhost:70000/auth/jwks.json' },
};

afterEach(() => {
  rmSync(file, { force: true });
});

describe('the state file of a local run', () => {
  test('is for its owner alone, and goes when the run ends', () => {
    const remove = writeStateFile(port, state);
    expect(file.endsWith(path.join('build', 'local', '70000.json'))).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(state);
    remove();
    expect(existsSync(file)).toBe(false);
    expect(remove).not.toThrow();
  });

  test('takes the place of what a run that was killed left behind, whoever could read that', () => {
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '{"pid":2}', { mode: 0o644 });
    writeStateFile(port, state);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(state);
  });
});
