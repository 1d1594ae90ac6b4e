/**
 * Records a session as this release stores it. Run it before a change of the stored format, and commit the file:
 *
 *     node test/stored-sessions/record.ts
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { createSignInStore } from '../../lambdas/session/index.ts';
import { format } from '../../lambdas/session/items.ts';
import { EmbeddedTable } from '../races/embedded-table.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
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
const credential = await signIn(
  store,
  newSession(start * 1_000, { user: userOf(worker), providerSession: providerSessionOf(worker) }),
);
const { Items = [] } = await client.send(new ScanCommand({ TableName: tableName, ConsistentRead: true }));
const file = join(import.meta.dirname, `format-${String(format)}.json`);
writeFileSync(
  file,
  toFile({ version, format, signedInAt: start, cookie: credential.cookie.expose(), items: Items }),
);
console.log(`wrote ${file}`);
