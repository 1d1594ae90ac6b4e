/** Documents that a reviewer relies on say what the code does, and name tests that are there. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import ts from 'typescript';
import type { EpochMilliseconds, EpochSeconds } from '../../lambdas/common/index.ts';
import {
  createLogoutStore,
  createProxyStore,
  createSessionStore,
  createSignInStore,
} from '../../lambdas/session/index.ts';
import { configuration, configurationFile } from '../../tools/configuration.ts';
import { EmbeddedTable, operationOf, type Command } from '../races/embedded-table.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
  signInTokens,
  start,
  tableName,
  type Item,
} from './session-fixtures.ts';

const root = join(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

test('the configuration page is made from the sources: npm run configuration has been run', () => {
  expect(configuration()).toBe(readFileSync(configurationFile, 'utf8'));
});

/** The bullets and sections that name a danger and must name what proves its control. */
const entriesOf = (file: string, pattern: RegExp): readonly string[] => read(file).match(pattern) ?? [];

describe.each([
  ['docs/threat-model.md', /^- \*\*(?:(?!\n- |\n\n)[^])*\*\* \([A-Z, ]+\):(?:(?!\n- |\n\n)[^])*/gm, 45],
  ['docs/clinical-safety.md', /^## H\d+\.(?:(?!\n## )[^])*/gm, 12],
] as const)('%s', (file, pattern, least) => {
  test('names a test for each of its entries', () => {
    const entries = entriesOf(file, pattern);
    expect(entries.length).toBeGreaterThanOrEqual(least);
    for (const entry of entries) expect(entry).toMatch(/`test\/[\w/-]+\.test\.ts`/);
  });

  test('names tests that are there', () => {
    const named = [...new Set(read(file).match(/test\/[\w/-]+\.test\.ts/g))];
    expect(named.filter((name) => !existsSync(join(root, name)))).toEqual([]);
  });
});

/** The rows of a table under a heading: the names in code font in each of its first two cells. */
const rowsUnder = (heading: string): readonly (readonly [string, readonly string[]])[] => {
  const text = read('docs/privacy.md');
  const from = text.indexOf(`\n${heading}\n`);
  if (from < 0) throw new Error(`no heading ${heading}`);
  const end = text.indexOf('\n#', from + heading.length + 1);
  return text
    .slice(from, end < 0 ? undefined : end)
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .slice(1)
    .filter((line) => !line.startsWith('| -'))
    .map((line) => {
      const [, first = '', second = ''] = line.split('|');
      return [first.trim(), namesIn(second)] as const;
    });
};
const namesIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
const sorted = (names: Iterable<string>): string[] => [...new Set(names)].sort();

const kindOf = (item: Item): string => {
  const pk = item['pk']?.S ?? '';
  return pk.startsWith('session#') ? (item['sk']?.S ?? '') : pk.slice(0, pk.indexOf('#') + 1);
};
const attributesOf = (item: Record<string, AttributeValue>): string[] =>
  Object.entries(item).flatMap(([name, { M: inner }]) => [
    name.startsWith('s#') ? 's#' : name,
    ...(inner === undefined ? [] : attributesOf(inner)),
  ]);

/** Every attribute of every kind of item that a sign-in, its calls, a role change and the ends of sessions leave. */
async function storedAttributes(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const embedded = new EmbeddedTable(sessionTable);
  const found = new Map<string, Set<string>>();
  const collect = async (): Promise<void> => {
    const { Items = [] } = (await embedded.send({
      constructor: { name: 'ScanCommand' },
      input: { TableName: tableName },
    })) as { Items?: Item[] };
    for (const item of Items) {
      const kind = kindOf(item);
      const names = found.get(kind) ?? new Set();
      for (const name of attributesOf(item)) names.add(name);
      found.set(kind, names);
    }
  };
  const client = {
    send: async (command: Command) => {
      const response = await embedded.send(command);
      if (!/^(?:Get|BatchGet|Query)/.test(operationOf(command))) await collect();
      return response;
    },
  } as never;
  let now = start;
  const clock = (): EpochSeconds => now as EpochSeconds;
  const options = { ...identified, client, tableName, limits, clock };
  const [signIns, sessions, logouts] = [
    createSignInStore(options),
    createSessionStore(options),
    createLogoutStore(options),
  ];
  const proxies = createProxyStore({
    ...options,
    preciseClock: () => (now * 1_000) as EpochMilliseconds,
    callsPerWindow: 5,
  });
  const never = new AbortController().signal;
  const user = ['https://am.example.nhs.uk:443/realm', '900000000001'];
  const signedIn = (providerSession: readonly string[] | undefined) =>
    signIn(signIns, newSession(now * 1_000, { user, providerSession, reportOthers: true }));

  await signIns.spendAttempt('attempt', 600);
  await signedIn(undefined);
  const first = await signedIn([...user, 'sid']);
  const changed = await sessions.changeRole(first, '900000000702', undefined, () => true);
  if (changed.status !== 'changed') throw new Error('the role was not changed');
  now += 61;
  const opened = await proxies.open(changed.credential, {
    ...{ handle: undefined, activity: true, profile: false, audience: 'api-platform' },
  });
  if (opened.status !== 'active') throw new Error('the session was not opened');
  const { tokens } = opened.session;
  const lease = await tokens.lease('api-platform', tokens.seen('api-platform'));
  await lease?.store({
    accessToken: signInTokens.accessToken,
    issuedAt: clock(),
    expiresAt: clock(),
    refreshToken: undefined,
    refreshTokenExpiresAt: undefined,
  });
  now += 61;
  for (const providerSession of [[...user, 'sid'], undefined]) {
    await logouts.logOut(
      {
        tokenId: [String(providerSession)],
        user,
        providerSession,
        arrivedAt: (now * 1_000) as EpochMilliseconds,
      },
      never,
    );
  }
  return found;
}

/** The members of an interface, by its name. */
function membersOf(file: string, name: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest);
  const found = source.statements.find(
    (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === name,
  );
  return (found?.members ?? []).map((member) => (member.name as ts.Identifier).text);
}

describe('the data inventory', () => {
  test('lists every attribute of every item, and none that is not there', async () => {
    const stored = await storedAttributes();
    const listed = new Map<string, string[]>();
    const rows = rowsUnder('## Sessions table');
    const everywhere = rows.find(([items]) => items === 'every')?.[1] ?? [];
    for (const [items, attributes] of rows) {
      for (const item of namesIn(items))
        listed.set(item, [...(listed.get(item) ?? everywhere), ...attributes]);
    }
    expect(sorted(stored.keys())).toEqual(sorted(listed.keys()));
    for (const [item, attributes] of stored) {
      expect([item, sorted(attributes)]).toEqual([item, sorted(listed.get(item) ?? [])]);
    }
  });

  test.each([
    ['User', 'lambdas/common/healthcare-worker.ts'],
    ['Assurance', 'lambdas/common/healthcare-worker.ts'],
    ['Role', 'lambdas/common/healthcare-worker.ts'],
    ['HealthcareWorker', 'lambdas/common/healthcare-worker.ts'],
    ['SignInTokens', 'lambdas/common/sign-in-tokens.ts'],
    ['IssuedTokens', 'lambdas/session/sealed-content.ts'],
    ['SignInAttempt', 'lambdas/cis2/attempt.ts'],
  ])('lists what is sealed of %s', (name, file) => {
    const [, members = []] = rowsUnder('### Sealed content').find(([content]) => content === name) ?? [];
    expect(sorted(members)).toEqual(sorted(membersOf(file, name)));
    expect(members.length).toBeGreaterThan(2);
  });

  test('lists every field that a log line can have, and none that is not there', () => {
    const fields = [...read('lambdas/telemetry/events.ts').matchAll(/\bfields:\s*'([^']+)'/g)];
    expect(fields.length).toBeGreaterThan(30);
    const registered = fields.flatMap(([, names = '']) => names.split(' '));
    const onEvery = ['time', 'level', 'event', 'function', 'reference', 'audit'];
    const text = read('docs/privacy.md');
    const listed = text
      .slice(text.indexOf('## Logs of the functions'), text.indexOf('## Other logs'))
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .flatMap((line) => namesIn(line.split('|')[1] ?? ''));
    expect(sorted(listed)).toEqual(sorted([...registered, ...onEvery]));
  });

  test('lists every field of the gateway’s log', () => {
    const fields = [...read('infra/parts/http-api.ts').matchAll(/^ {2}(\w+): '\$context\./gm)].map(
      ([, name = '']) => name,
    );
    const text = read('docs/privacy.md');
    const entry = text.slice(text.indexOf("**The gateway's access log**"));
    expect(sorted(namesIn(entry.slice(0, entry.indexOf('\n- '))))).toEqual(sorted(fields));
    expect(fields.length).toBeGreaterThan(5);
  });

  test('leaves the lawful basis of each purpose to the controller', () => {
    const text = read('docs/privacy.md');
    expect(text.match(/\*\*Lawful basis\*\*: _controller_/g)?.length).toBe(
      text.match(/\*\*Purpose\*\*:/g)?.length,
    );
  });
});
