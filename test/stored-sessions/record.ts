/**
 * Records a session as this release stores it. Run it before a change of the stored format, and commit the file:
 *
 *     node test/stored-sessions/record.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { EpochMilliseconds, EpochSeconds } from '../../lambdas/common/index.ts';
import { createSignInStore } from '../../lambdas/session/index.ts';
import { format } from '../../lambdas/session/items.ts';
import { EmbeddedTable } from '../races/embedded-table.ts';
import {
  identified,
  limits,
  sessionTable,
  signInTokens,
  start,
  tableName,
  worker,
} from '../unit/session-fixtures.ts';
import { toFile, userOf, providerSessionOf } from './recorded.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
  version: string;
};
const { client } = new EmbeddedTable(sessionTable);
const store = createSignInStore({
  ...identified,
  client,
  tableName,
  limits,
  clock: () => start as EpochSeconds,
});
const created = await store.create(
  {
    worker,
    roleId: worker.roles[0]!.roleId,
    tokens: signInTokens,
    device: 'Chrome on Windows',
    user: userOf(worker),
    providerSession: providerSessionOf(worker),
    begunAt: (start * 1_000) as EpochMilliseconds,
    replaces: undefined,
    sessionsPerUser: 20,
    reportOthers: false,
  },
  new AbortController().signal,
);
if (created === 'provider_logout') throw new Error('refused');
const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
const file = join(import.meta.dirname, `format-${String(format)}.json`);
writeFileSync(
  file,
  toFile({ version, format, signedInAt: start, cookie: created.credential.cookie.expose(), items: Items }),
);
console.log(`wrote ${file}`);
