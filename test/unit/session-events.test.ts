/** `$connect` of `/auth/events`, and what becomes of the end of a session: each refusal, and what is sent to whom. */
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { EpochSeconds } from '../../lambdas/common/index.ts';
import { notifyPages, type PostToConnection } from '../../lambdas/handlers/session-end-events.ts';
import { subscribeToSessionEnd } from '../../lambdas/handlers/session-events.ts';
import { connectFunction, type ConnectEvent } from '../../lambdas/http/index.ts';
import {
  createEventStore,
  createSessionStore,
  createSignInStore,
  type EventStore,
  type SessionCredential,
} from '../../lambdas/session/index.ts';
import { StoreUnavailable } from '../../lambdas/session/index.ts';
import { createLogger } from '../../lambdas/telemetry/index.ts';
import { EmbeddedTable } from '../races/embedded-table.ts';
import {
  identified,
  limits,
  newSession,
  sessionTable,
  signIn,
  start,
  tableName,
} from './session-fixtures.ts';

const baseUrl = 'https://app.example.nhs.uk';
const edgeValue = 'the-value-of-the-edge';
const connectionId = 'L0SM9cOFvHcCIhw=';

let lines: Record<string, unknown>[];
beforeEach(() => {
  lines = [];
});
const log = createLogger({
  functionName: 'session-events',
  level: 'debug',
  write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
});
const logged = (event: string): Record<string, unknown>[] => lines.filter((line) => line['event'] === event);

/** The headers of an event, as API Gateway sends them: by the case that they came in, and every value. */
const event = (headers: Readonly<Record<string, string | readonly string[]>>): ConnectEvent => {
  const multiValueHeaders = Object.fromEntries(
    Object.entries(headers).map(([name, values]) => [name, [values].flat()]),
  );
  return {
    headers: Object.fromEntries(
      Object.entries(multiValueHeaders).map(([name, values]) => [name, values.at(-1)]),
    ),
    multiValueHeaders,
    requestContext: { connectionId },
  };
};

describe('$connect', () => {
  let now = start;
  let embedded: EmbeddedTable;
  let credential: SessionCredential;
  let options: Parameters<typeof createSessionStore>[0];

  beforeEach(async () => {
    now = start;
    embedded = new EmbeddedTable(sessionTable);
    options = {
      client: embedded.client,
      tableName,
      limits,
      clock: () => now as EpochSeconds,
    };
    credential = await signIn(createSignInStore({ ...identified, ...options }), newSession(start * 1_000));
  });

  const handler = (
    sessions: EventStore = createEventStore(options),
    passes: (value: string | undefined) => Promise<boolean> = (value) => Promise.resolve(value === edgeValue),
  ) =>
    connectFunction({
      baseUrl,
      log,
      edge: { prepare: () => Promise.resolve(), passes },
      connect: subscribeToSessionEnd(sessions),
    });
  const cookie = (value = credential.cookie.expose()): string => `__Host-Http-session=${value}`;
  const good = (): Record<string, string | readonly string[]> => ({
    'x-cis2-bff-edge': edgeValue,
    Origin: baseUrl,
    'Sec-Fetch-Site': 'same-origin',
    Cookie: cookie(),
  });
  const without = (name: string): Record<string, string | readonly string[]> =>
    Object.fromEntries(Object.entries(good()).filter(([header]) => header !== name));
  const core = async (): Promise<Record<string, unknown>> => {
    const { Items = [] } = (await embedded.send({
      constructor: { name: 'ScanCommand' },
      input: { TableName: tableName },
    })) as { Items?: Record<string, { S?: string }>[] };
    return Items.find(({ sk }) => sk?.S === 'core') ?? {};
  };

  test('of a live session notes the connection, and changes nothing else of it', async () => {
    const before = await core();
    now = start + 60;
    expect(await handler()(event(good()))).toEqual({ statusCode: 200 });
    expect(await core()).toEqual({ ...before, eventsConnection: { S: connectionId } });
    expect(logged('request')).toEqual([
      expect.objectContaining({ route: 'GET /auth/events', method: 'GET', status: 200 }),
    ]);
  });

  test('takes headers by any case, and from a gateway that sends no lists', async () => {
    const { headers = {}, requestContext } = event(good());
    const upper = Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(await handler()({ headers: upper, requestContext })).toEqual({ statusCode: 200 });
  });

  test('of a page whose browser sends no Sec-Fetch-Site is taken by its origin', async () => {
    expect(await handler()(event(without('Sec-Fetch-Site')))).toEqual({ statusCode: 200 });
  });

  test.each<[string, number, () => Record<string, string | readonly string[]>, string]>([
    ['around the edge', 404, () => without('x-cis2-bff-edge'), 'edge'],
    ['with a wrong value of the edge', 404, () => ({ ...good(), 'x-cis2-bff-edge': 'other' }), 'edge'],
    ['with two values of the edge', 404, () => ({ ...good(), 'x-cis2-bff-edge': [edgeValue, 'x'] }), 'edge'],
    ['from a sibling', 403, () => ({ ...good(), Origin: 'https://other.example.nhs.uk' }), 'origin'],
    [
      'from an origin that ours begins',
      403,
      () => ({ ...good(), Origin: `${baseUrl}.evil.example` }),
      'origin',
    ],
    ['from two origins', 403, () => ({ ...good(), Origin: [baseUrl, baseUrl] }), 'origin'],
    [
      'that the browser calls cross-site',
      403,
      () => ({ ...good(), 'Sec-Fetch-Site': 'cross-site' }),
      'sec-fetch-site',
    ],
    [
      'that the browser calls same-site',
      403,
      () => ({ ...good(), 'Sec-Fetch-Site': 'same-site' }),
      'sec-fetch-site',
    ],
  ])('%s is refused with %i before the store is asked', async (_what, statusCode, headers, guard) => {
    const never = { connect: () => Promise.reject(new Error('the store was asked')) };
    expect(await handler(never)(event(headers()))).toEqual({ statusCode });
    expect(logged('request_refused')).toEqual([expect.objectContaining({ guard, audit: true })]);
    expect(await core()).not.toHaveProperty('eventsConnection');
  });

  test.each<[string, number, () => Record<string, string | readonly string[]>, string]>([
    ['with another cookie only', 401, () => ({ ...good(), Cookie: 'a=b' }), 'session_required'],
    ['with two cookie headers', 400, () => ({ ...good(), Cookie: [cookie(), cookie()] }), 'invalid_request'],
  ])('%s is refused with %i', async (_what, statusCode, headers, code) => {
    expect(await handler()(event(headers()))).toEqual({ statusCode });
    expect(logged('request')).toEqual([expect.objectContaining({ status: statusCode, code })]);
    expect(await core()).not.toHaveProperty('eventsConnection');
  });

  test.each([
    ['idle', 901],
    ['absolute', 43_201],
  ])('of a session past its %s limit is refused, and does not bring it back', async (_limit, later) => {
    now = start + later;
    expect(await handler()(event(good()))).toEqual({ statusCode: 401 });
    expect((await createSessionStore(options).read(credential)).status).toBe('ended');
  });

  test('is refused with 503 while the store is down, or the value of the edge cannot be read', async () => {
    const down = { connect: () => Promise.reject(new StoreUnavailable('down')) };
    expect(await handler(down)(event(good()))).toEqual({ statusCode: 503 });
    expect(logged('dependency_failed')).toEqual([expect.objectContaining({ code: 'store_unavailable' })]);
  });

  test('is refused with 500 for what nobody expected, of which the log has no message', async () => {
    const broken = { connect: () => Promise.reject(new TypeError('a secret')) };
    expect(await handler(broken)(event(good()))).toEqual({ statusCode: 500 });
    const nameless = { ...event(good()), requestContext: {} };
    expect(await handler()(nameless)).toEqual({ statusCode: 500 });
    expect(logged('unexpected_error')).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain('a secret');
  });

  test('leaves nothing of the cookie or of the connection in the log', async () => {
    await handler()(event(good()));
    await handler()(event({ ...good(), Origin: 'https://evil.example' }));
    await handler()(event({ ...good(), Cookie: `${cookie()}; ${cookie()}` }));
    const text = JSON.stringify(lines);
    for (const secret of [credential.cookie.expose(), edgeValue, connectionId, 'evil.example'])
      expect(text).not.toContain(secret);
  });

  test('leaves a session that every store of this release still reads, extends and ends', async () => {
    await handler()(event(good()));
    const store = createSessionStore(options);
    expect((await store.read(credential)).status).toBe('active');
    expect((await store.extend(credential, undefined)).status).toBe('active');
    await store.end(credential, 'signed_out', undefined);
    // The stream has whom to tell.
    expect(await core()).toMatchObject({ state: { S: 'ended' }, eventsConnection: { S: connectionId } });
  });
});

describe('the end of sessions', () => {
  const ended = (...connections: readonly string[]) => ({
    Records: connections.map((S) => ({
      eventName: 'MODIFY',
      dynamodb: { NewImage: { state: { S: 'ended' }, eventsConnection: { S } } },
    })),
  });
  const poster = (outcomes: Readonly<Record<string, 'sent' | 'gone' | Error>> = {}) => {
    const posted: [string, string][] = [];
    const post: PostToConnection = (id, text) => {
      posted.push([id, text]);
      const outcome = outcomes[id] ?? 'sent';
      return outcome instanceof Error ? Promise.reject(outcome) : Promise.resolve(outcome);
    };
    return { posted, post };
  };

  test('has each page ask, and tells it nothing else', async () => {
    const { posted, post } = poster();
    await notifyPages({ post, log })(ended('one', 'two'));
    expect(posted).toEqual([
      ['one', 'ask'],
      ['two', 'ask'],
    ]);
    expect(logged('session_ends_pushed')).toEqual([expect.objectContaining({ sent: 2, gone: 0, failed: 0 })]);
  });

  test('is no failure for a page that has gone', async () => {
    const { post } = poster({ one: 'gone' });
    await notifyPages({ post, log })(ended('one'));
    expect(logged('session_ends_pushed')).toEqual([expect.objectContaining({ sent: 0, gone: 1, failed: 0 })]);
  });

  test('comes again when a page could not be told; the others were, and no log has a message or a connection', async () => {
    const { posted, post } = poster({ two: new Error('a secret') });
    const telling = notifyPages({ post, log })(ended('one', 'two', 'three'));
    await expect(telling).rejects.toThrow('some pages could not be notified');
    expect(posted.map(([id]) => id)).toEqual(['one', 'two', 'three']);
    expect(logged('dependency_failed')).toEqual([
      expect.objectContaining({ code: 'connections_unavailable', error: 'Error' }),
    ]);
    expect(JSON.stringify(lines)).not.toMatch(/a secret|"two"/);
  });

  test('of a session without a connection is told to nobody', async () => {
    const { posted, post } = poster();
    await notifyPages({ post, log })({ Records: [{ dynamodb: { NewImage: {} } }, { dynamodb: {} }, {}] });
    expect(posted).toEqual([]);
  });
});
