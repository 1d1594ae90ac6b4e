/**
 * Metrics, as CloudWatch's embedded metric format: members of a JSON line of the log. As for events, a
 * registry lists all metrics.
 */

/** For a log without settings, which has no requests; the namespace of an installation is `cis2-bff/NAME`. */
const noInstallation = 'cis2-bff';

/** The metrics of requests. `docs/operations/metrics.md` describes them. */
export type RequestMetric =
  | 'SignInStarted'
  | 'SignInCompleted'
  | 'SignInFailed'
  | 'SessionHit'
  | 'SessionMiss'
  | 'TokenRefreshed'
  | 'TokenRefreshFailed'
  | 'LeaseWait'
  | 'BackchannelLogout'
  | 'BackchannelLogoutFailed'
  | 'ProviderUnavailable'
  | 'ProviderLatency'
  | 'ApiPlatformLatency'
  | 'ApiPlatformFailed'
  | 'UpstreamLatency'
  | 'UpstreamFailed'
  | 'ClockDifference'
  | 'Refused'
  | 'ColdStart';

type PerMetric = Partial<Record<RequestMetric, string>>;
/** The units of metrics other than counts. */
const requestUnits: PerMetric = {
  ProviderLatency: 'Milliseconds',
  ApiPlatformLatency: 'Milliseconds',
  UpstreamLatency: 'Milliseconds',
  ClockDifference: 'Seconds',
};
/** The dimension of a metric, beside the metric without any: each value costs as much as a metric. */
const requestDimensions: PerMetric = { SignInFailed: 'Code', Refused: 'Rule' };

/**
 * The measurements of an instance since the last line with any. Its first line has its cold start.
 *
 * @param namespace - separates the metrics of installations in one account
 */
export function requestMetrics(namespace = noInstallation) {
  let measured: Partial<Record<RequestMetric, number[]>> = { ColdStart: [1] };
  let dimensions: Record<string, string> = {};
  return {
    /**
     * @param value - a value that is not finite is ignored
     * @param by - the value of the metric's dimension, for a metric that has one: it is counted once for each line
     */
    add(metric: RequestMetric, value: number, by?: unknown): void {
      const dimension = requestDimensions[metric];
      if (!Number.isFinite(value) || (dimension !== undefined && dimension in dimensions)) return;
      if (dimension !== undefined) dimensions[dimension] = String(by);
      (measured[metric] ??= []).push(value);
    },

    /** Returns the members for one line, and clears them; undefined without measurements. */
    take(): Readonly<Record<string, unknown>> | undefined {
      const names = Object.keys(measured) as RequestMetric[];
      if (names.length === 0) return undefined;
      const byDimension = Object.groupBy(names, (name) => requestDimensions[name] ?? '');
      const members = {
        _aws: {
          Timestamp: Date.now(),
          CloudWatchMetrics: Object.entries(byDimension).map(([dimension, metrics]) => ({
            Namespace: namespace,
            Dimensions: dimension === '' ? [[]] : [[], [dimension]],
            Metrics: metrics?.map((Name) => ({ Name, Unit: requestUnits[Name] ?? 'Count' })),
          })),
        },
        ...dimensions,
        // CloudWatch counts each value of a list.
        ...Object.fromEntries(
          names.map((name) => [
            name,
            measured[name]?.[1] === undefined ? measured[name]?.[0] : measured[name],
          ]),
        ),
      };
      [measured, dimensions] = [{}, {}];
      return members;
    },
  };
}

/** Metric of a ring of signing keys → its unit. */
const units = {
  /** How long the current key has signed. */
  SigningKeyAgeSeconds: 'Seconds',
  /** Until the schedule rotates next; negative when it is overdue. */
  SecondsToNextRotation: 'Seconds',
  /** 1 for a rotation that was done, 0 for one that failed. */
  RotationSucceeded: 'Count',
  /** 1 when the published keys were those of the ring, 0 when they had to be corrected. */
  PublishedSetEqualsRing: 'Count',
} as const;
type MetricName = keyof typeof units;

/** Writes values of one ring, by its name; what is not a number, or not in the registry, is left out. */
export type Metrics = (ring: string, values: { readonly [Name in MetricName]?: number | null }) => void;

/**
 * @param options.functionName - stands on every line
 * @param options.namespace - tells the installation's metrics from those of others in the account
 * @param options.write - takes one line without its end; standard output unless a test says otherwise
 */
export function createMetrics(options: {
  functionName: string;
  namespace: string;
  write?: (line: string) => void;
}): Metrics {
  const write = options.write ?? ((line) => void process.stdout.write(`${line}\n`));
  return (ring, values) => {
    const measured = (Object.keys(units) as MetricName[]).flatMap((name) => {
      const value = values[name];
      return typeof value === 'number' && Number.isFinite(value) ? [{ name, value }] : [];
    });
    if (measured.length === 0) return;
    write(
      JSON.stringify({
        _aws: {
          Timestamp: Date.now(),
          CloudWatchMetrics: [
            {
              Namespace: options.namespace,
              Dimensions: [['Ring']],
              Metrics: measured.map(({ name }) => ({ Name: name, Unit: units[name] })),
            },
          ],
        },
        function: options.functionName,
        Ring: ring,
        ...Object.fromEntries(measured.map(({ name, value }) => [name, value])),
      }),
    );
  };
}
