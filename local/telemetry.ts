/** What of a local run's log would have become metrics and an audit trail in CloudWatch. */
import { isObject, parseJson, type JsonObject } from '../lambdas/common/json.ts';

interface MeasuredMetric {
  readonly namespace: string;
  readonly name: string;
  /** E.g. `Code=login_expired`; undefined for the metric without a dimension. */
  readonly dimension: string | undefined;
  readonly unit: string;
  readonly count: number;
  readonly sum: number;
  readonly max: number;
}

interface AuditEvent {
  readonly time: string;
  readonly event: string;
  /** The keyed hash that the event names its person by; empty where it names nobody. */
  readonly person: string;
  readonly details: string;
}

export interface Telemetry {
  readonly metrics: readonly MeasuredMetric[];
  /** The latest first. */
  readonly audit: readonly AuditEvent[];
}

const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** What is in the marked members of a line, by CloudWatch's embedded metric format. */
function* measuredIn(
  entry: JsonObject,
): Generator<Omit<MeasuredMetric, 'count' | 'sum' | 'max'> & { values: number[] }> {
  const format = isObject(entry['_aws']) ? entry['_aws'] : {};
  for (const directive of list(format['CloudWatchMetrics']).filter(isObject)) {
    for (const metric of list(directive['Metrics']).filter(isObject)) {
      const name = text(metric['Name']);
      const values = [entry[name]].flat().filter((value) => typeof value === 'number');
      for (const set of list(directive['Dimensions']).map(list)) {
        const dimension = set.map((of) => `${text(of)}=${text(entry[text(of)])}`).join(' ');
        yield {
          namespace: text(directive['Namespace']),
          name,
          dimension: dimension === '' ? undefined : dimension,
          unit: text(metric['Unit']),
          values,
        };
      }
    }
  }
}

const notDetails = new Set(['time', 'level', 'event', 'function', 'audit', 'person']);

/** @param lines - of the log, the oldest first; what is no JSON object is passed by */
export function telemetryOf(lines: readonly string[]): Telemetry {
  const metrics = new Map<string, MeasuredMetric>();
  const audit: AuditEvent[] = [];
  for (const line of lines) {
    const entry = parseJson(line);
    if (!isObject(entry)) continue;
    for (const { values, ...metric } of measuredIn(entry)) {
      const key = `${metric.name} ${metric.dimension ?? ''}`;
      const { count = 0, sum = 0, max = -Infinity } = metrics.get(key) ?? {};
      metrics.set(key, {
        ...metric,
        count: count + values.length,
        sum: values.reduce((total, value) => total + value, sum),
        max: Math.max(max, ...values),
      });
    }
    if (entry['audit'] !== true) continue;
    const { time, event, person } = entry;
    const details = Object.entries(entry)
      .filter(([name]) => !notDetails.has(name))
      .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
    audit.push({ time: text(time), event: text(event), person: text(person), details: details.join(' ') });
  }
  const inOrder = [...metrics.entries()].sort(([one], [other]) => (one < other ? -1 : 1));
  return { metrics: inOrder.map(([, metric]) => metric), audit: audit.reverse() };
}
