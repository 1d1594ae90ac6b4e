import { randomUUID } from 'node:crypto';
import { startLoopbackServer } from '../loopback-server.ts';
import type { LoopbackServer } from '../loopback-server.ts';

const respond = (status: number, body: object) => ({
  status,
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
  body: JSON.stringify(body),
});

const refuse = (type: string, message: string) => respond(400, { __type: type, message });

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
};

type Entry = Readonly<Record<string, unknown>>;

/** A query for the entries of one reference, of some events, or of what failed, wherever in the query's text that stands. */
const failures = /\bfilter\s+event\s*=\s*"sign_in_failed"\s+or\s+status\s*>=\s*500\b/;
const byReference = /\bfilter\s+reference\s*=\s*"([A-Z0-9-]{1,40})"/;
const byEvent = /\bfilter\s+event\s+in\s*\[([^\]]*)\]/;

/** Which entries a query is for, and in which order; undefined for any other query. */
function readQuery(text: string): { matches: (entry: Entry) => boolean; latestFirst: boolean } | undefined {
  const latestFirst = /\bsort\s+@timestamp\s+desc\b/.test(text);
  const reference = byReference.exec(text)?.[1];
  if (reference !== undefined) return { matches: (entry) => entry['reference'] === reference, latestFirst };
  if (failures.test(text)) {
    return {
      matches: ({ event, status }) => event === 'sign_in_failed' || Number(status) >= 500,
      latestFirst,
    };
  }
  const events = byEvent.exec(text)?.[1]?.match(/\w+/g);
  return events === undefined || events === null
    ? undefined
    : { matches: ({ event }) => events.some((name) => name === event), latestFirst };
}

/**
 * Starts CloudWatch Logs on 127.0.0.1 over the log lines of a local run, for the AWS SDK: `StartQuery` and `GetQueryResults`, for
 * queries by a reference, by events or for what failed. Signatures, log groups and the end of the time range are ignored.
 *
 * @param lines - gives what has been logged, the oldest first
 */
export function startLogsEndpoint(lines: () => readonly string[]): Promise<LoopbackServer> {
  const queries = new Map<string, NonNullable<ReturnType<typeof readQuery>> & { from: number }>();
  return startLoopbackServer((request, body) => {
    const operation = String(request.headers['x-amz-target']).replace('Logs_20140328.', '');
    const input = parsed(body === '' ? '{}' : body);
    if (!isObject(input)) return Promise.resolve(refuse('SerializationException', 'The body is not JSON.'));
    if (operation === 'StartQuery') {
      const query = readQuery(String(input['queryString']));
      if (query === undefined) {
        return Promise.resolve(
          refuse(
            'MalformedQueryException',
            'Only queries by a reference, by events or for what failed are known here.',
          ),
        );
      }
      const queryId = randomUUID();
      queries.set(queryId, { ...query, from: Number(input['startTime']) * 1_000 });
      return Promise.resolve(respond(200, { queryId }));
    }
    if (operation === 'GetQueryResults') {
      const query = queries.get(String(input['queryId']));
      if (query === undefined) {
        return Promise.resolve(refuse('ResourceNotFoundException', 'There is no such query.'));
      }
      queries.delete(String(input['queryId']));
      const results = lines()
        .filter((line) => {
          const entry = parsed(line);
          return isObject(entry) && query.matches(entry) && !(Date.parse(String(entry['time'])) < query.from);
        })
        .map((line) => [{ field: '@message', value: line }]);
      if (query.latestFirst) results.reverse();
      return Promise.resolve(respond(200, { status: 'Complete', results }));
    }
    return Promise.resolve(refuse('UnknownOperationException', ''));
  });
}
