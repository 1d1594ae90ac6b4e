/**
 * Metrics, as CloudWatch's embedded metric format: one JSON object a line on standard output, beside the log. What can be
 * measured is a registry, as what can be logged is.
 */

/** Metric → its unit. */
const units = {
  /** How long the key that signs has signed. */
  SigningKeyAgeSeconds: 'Seconds',
  /** Until the schedule rotates next; negative when it is overdue. */
  SecondsToNextRotation: 'Seconds',
  /** 1 for a rotation that was done, 0 for one that failed. */
  RotationSucceeded: 'Count',
  /** 1 when what was published belonged to the ring, 0 when it had to be put right. */
  PublishedSetEqualsRing: 'Count',
} as const;
export type MetricName = keyof typeof units;

const namespace = 'cis2-bff';

/**
 * Writes values of one ring, by a name that tells it from those of other installations in the account; what is not a number,
 * or not in the registry, is left out.
 */
export type Metrics = (ring: string, values: { readonly [Name in MetricName]?: number | null }) => void;

/**
 * @param options.functionName - stands on every line
 * @param options.write - takes one line without its end; standard output unless a test says otherwise
 */
export function createMetrics(options: { functionName: string; write?: (line: string) => void }): Metrics {
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
              Namespace: namespace,
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
