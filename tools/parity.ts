/**
 * Runs tests of the sessions' store, and of the whole product (which publishes its keys there too), against Amazon's DynamoDB
 * Local, which `DYNAMODB_LOCAL_URL` names, in place of the embedded store. **It drops every table there.** Further arguments go to
 * Jest.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const files = [
  ...['session-store', 'session-proxy'].map((name) => `unit/${name}`),
  ...['store', 'backchannel-logout', 'keys'].map((name) => `faults/${name}`),
];
if ((process.env['DYNAMODB_LOCAL_URL'] ?? '') === '') {
  process.stderr.write(
    'parity: DYNAMODB_LOCAL_URL must name a DynamoDB Local on this machine, such as http://127.0.0.1:8000; its tables are dropped\n',
  );
  process.exit(2);
}
const { status } = spawnSync(
  process.execPath,
  [
    path.join(root, 'node_modules/jest/bin/jest.js'),
    // One store for all of them.
    '--runInBand',
    ...files.map((file) => `test/${file}.test.ts`),
    ...process.argv.slice(2),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    },
  },
);
process.exit(status ?? 1);
