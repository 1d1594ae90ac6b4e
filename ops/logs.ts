/** The log entries of an installation, as CloudWatch Logs Insights finds them. */
import type { CloudWatchLogsClient, CloudWatchLogsClientConfig } from '@aws-sdk/client-cloudwatch-logs';
import { packageMissing, type Failure } from './aws-failure.ts';
import { CommandFailed } from './errors.ts';
import { isObject, parseJson } from '../lambdas/common/json.ts';

/** One JSON line of a log. */
export type LogEntry = Readonly<Record<string, unknown>>;

export interface LogReader {
  /**
   * The entries behind a reference, the oldest first.
   *
   * @param reference - letters, digits and hyphens
   * @param hours - how far back to look
   * @throws CommandFailed
   */
  entriesOf(reference: string, hours: number): Promise<readonly LogEntry[]>;
  /**
   * The latest entries of some events, the latest first.
   *
   * @param events - their names
   * @param hours - how far back to look
   * @throws CommandFailed
   */
  latestOf(events: readonly string[], hours: number): Promise<readonly LogEntry[]>;
  /**
   * The latest entries of failed sign-ins and of requests that were answered 5xx, the latest first.
   *
   * @param hours - how far back to look
   * @throws CommandFailed
   */
  failures(hours: number): Promise<readonly LogEntry[]>;
  close(): void;
}

/** Between two checks whether a query is done, in milliseconds, and how long it may take. */
const pauseMs = 1_000;
const maxQueryMs = 120_000;
const maxEntries = 1_000;
const maxLatest = 100;

/**
 * @param options.groups - names of the log groups
 * @param options.failure - turns an error of a call into the command's own
 */
export function createLogReader(options: {
  groups: () => readonly string[];
  client: CloudWatchLogsClientConfig;
  failure: Failure;
}): LogReader {
  let client: CloudWatchLogsClient | undefined;
  const find = async (
    filter: string,
    { hours, order, limit }: { hours: number; order: 'asc' | 'desc'; limit: number },
  ): Promise<readonly LogEntry[]> => {
    const sdk = await import('@aws-sdk/client-cloudwatch-logs').catch(
      packageMissing('@aws-sdk/client-cloudwatch-logs'),
    );
    client ??= new sdk.CloudWatchLogsClient(options.client);
    const now = Math.floor(Date.now() / 1_000);
    const { queryId } = await client
      .send(
        new sdk.StartQueryCommand({
          logGroupNames: [...options.groups()],
          startTime: now - hours * 3_600,
          // This machine's clock may be behind.
          endTime: now + 600,
          queryString: `fields @message | filter ${filter} | sort @timestamp ${order} | limit ${String(limit)}`,
        }),
      )
      .catch((error: unknown) => {
        throw options.failure(error, 'logs:StartQuery');
      });
    const startedAt = Date.now();
    while (Date.now() - startedAt < maxQueryMs) {
      const { status, results = [] } = await client
        .send(new sdk.GetQueryResultsCommand({ queryId }))
        .catch((error: unknown) => {
          throw options.failure(error, 'logs:GetQueryResults');
        });
      if (status === 'Complete') {
        const lines = results.map(
          (fields) => fields.find(({ field }) => field === '@message')?.value?.trimEnd() ?? '',
        );
        // The audit log group repeats lines of the functions' logs, which it keeps for longer.
        return [...new Set(lines)].flatMap(entryOf);
      }
      if (status !== 'Scheduled' && status !== 'Running') break;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    throw new CommandFailed(
      'query_failed',
      'CloudWatch Logs Insights did not finish the query: try again, with fewer --hours',
    );
  };
  return {
    entriesOf: (reference, hours) =>
      find(`reference = "${reference}"`, { hours, order: 'asc', limit: maxEntries }),
    latestOf: (events, hours) =>
      find(`event in ${JSON.stringify(events)}`, { hours, order: 'desc', limit: maxLatest }),
    failures: (hours) =>
      find('event = "sign_in_failed" or status >= 500', { hours, order: 'desc', limit: maxEntries }),
    close: () => {
      client?.destroy();
    },
  };
}

function entryOf(line: string): LogEntry[] {
  const entry = parseJson(line);
  return isObject(entry) ? [withoutMetrics(entry)] : [];
}

/** Without the member that tells CloudWatch which others are metrics. */
const withoutMetrics = (entry: LogEntry): LogEntry =>
  Object.fromEntries(Object.entries(entry).filter(([name]) => name !== '_aws'));
