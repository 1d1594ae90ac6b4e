import { randomUUID } from 'node:crypto';
import { isObject, parseJson, type JsonObject } from '../../lambdas/common/json.ts';
import type { LoopbackServer } from '../loopback-server.ts';
import { Refusal, startAwsJsonService } from './aws-json.ts';

/** A query for the entries of one reference, of some events, or of what failed, wherever in the query's text that stands. */
const failures = /\bfilter\s+event\s*=\s*"sign_in_failed"\s+or\s+status\s*>=\s*500\b/;
const byReference = /\bfilter\s+reference\s*=\s*"([A-Z0-9-]{1,40})"/;
const byEvent = /\bfilter\s+event\s+in\s*\[([^\]]*)\]/;

/** Which entries a query is for, and in which order; undefined for any other query. */
function readQuery(
  text: string,
): { matches: (entry: JsonObject) => boolean; latestFirst: boolean } | undefined {
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
  return startAwsJsonService({
    target: 'Logs_20140328',
    calls: {
      StartQuery: ({ queryString, startTime }) => {
        const query = readQuery(String(queryString));
        if (query === undefined) {
          throw new Refusal(
            'MalformedQueryException',
            'Only queries by a reference, by events or for what failed are known here.',
          );
        }
        const queryId = randomUUID();
        queries.set(queryId, { ...query, from: Number(startTime) * 1_000 });
        return { queryId };
      },
      GetQueryResults: ({ queryId }) => {
        const query = queries.get(String(queryId));
        if (query === undefined) throw new Refusal('ResourceNotFoundException', 'There is no such query.');
        queries.delete(String(queryId));
        const results = lines()
          .filter((line) => {
            const entry = parseJson(line);
            return (
              isObject(entry) && query.matches(entry) && !(Date.parse(String(entry['time'])) < query.from)
            );
          })
          .map((line) => [{ field: '@message', value: line }]);
        if (query.latestFirst) results.reverse();
        return { status: 'Complete', results };
      },
    },
  });
}
