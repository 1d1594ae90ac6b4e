/** A session as a release stored it: of an invented person, under a key of identifiers that is for tests alone. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { HealthcareWorker } from '../../lambdas/common/index.ts';

export interface RecordedSession {
  /** The release that wrote it. */
  readonly version: string;
  readonly format: number;
  /** Seconds since the epoch. */
  readonly signedInAt: number;
  readonly cookie: string;
  readonly items: readonly Record<string, AttributeValue>[];
}

const issuer = 'https://am.example.nhs.uk:443/realm';
export const userOf = (worker: HealthcareWorker): readonly string[] => [issuer, worker.user.uid];
export const providerSessionOf = (worker: HealthcareWorker): readonly string[] => [
  issuer,
  `sid-of-${worker.user.uid}`,
];

const binary = '$base64';

/** As JSON, with bytes as base64. */
export const toFile = (recorded: RecordedSession): string =>
  `${JSON.stringify(
    recorded,
    (_, value: unknown) =>
      value instanceof Uint8Array ? { [binary]: Buffer.from(value).toString('base64') } : value,
    2,
  )}\n`;

export const fromFile = (text: string): RecordedSession =>
  JSON.parse(text, (_, value: unknown) =>
    typeof value === 'object' && value !== null && binary in value
      ? Buffer.from(String(value[binary]), 'base64')
      : value,
  ) as RecordedSession;
