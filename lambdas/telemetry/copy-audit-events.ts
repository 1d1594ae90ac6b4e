import { gunzipSync } from 'node:zlib';
import { isObject, parseJson } from '../common/index.ts';

/** What CloudWatch Logs sends to a function that is subscribed to a log group. */
export interface SubscriptionEvent {
  readonly awslogs: {
    /** A batch: JSON, compressed with gzip, in base64. */
    readonly data: string;
  };
}

/** An invocation carries 6 MB at most; a batch of log lines is about ten times as large uncompressed. */
const maxBatchBytes = 64 * 1_024 * 1_024;

/**
 * Writes the audit events of a batch unchanged, so that an event that CloudWatch Logs delivers twice is the same line twice.
 *
 * @param write - writes one line without its line end. @default standard output
 * @returns how many were written
 * @throws Error for an invalid batch: Lambda retries, and the alarm on errors reports it
 */
export function copyAuditEvents(
  event: SubscriptionEvent,
  write: (line: string) => void = (line) => void process.stdout.write(`${line}\n`),
): number {
  const packed = Buffer.from(event.awslogs.data, 'base64');
  const batch = parseJson(gunzipSync(packed, { maxOutputLength: maxBatchBytes }).toString('utf8'));
  if (!isObject(batch) || !Array.isArray(batch['logEvents'])) throw new Error('not a batch of log events');
  // CloudWatch Logs sends a test message.
  if (batch['messageType'] === 'CONTROL_MESSAGE') return 0;
  const events = (batch['logEvents'] as unknown[])
    .map((entry) =>
      isObject(entry) && typeof entry['message'] === 'string' ? parseJson(entry['message']) : undefined,
    )
    .filter((entry) => isObject(entry) && entry['audit'] === true);
  for (const entry of events) write(JSON.stringify(entry));
  return events.length;
}
