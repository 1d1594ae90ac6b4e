import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import type { Clock } from '../common/index.ts';
import { newRingKey, type Ring } from '../keys/index.ts';
import { describeError, type Logger } from '../telemetry/index.ts';

export interface CreateSigningKeysDependencies {
  /** Undefined while the secret has no value. */
  readonly loadRing: () => Promise<Ring | undefined>;
  readonly storeRing: (ring: Ring, token: string) => Promise<void>;
  readonly publish: (ring: Ring) => Promise<void>;
  /** Tells CloudFormation how it went. */
  readonly respond: (url: string, response: CloudFormationCustomResourceResponse) => Promise<void>;
  readonly bits: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The deployment's custom resource that fills the empty secret: makes the first ring where there is none, and publishes
 * the public halves. Safe to run again at any time: keys that exist stay.
 */
export function createSigningKeys(dependencies: CreateSigningKeysDependencies) {
  const { log, respond } = dependencies;
  return async (event: CloudFormationCustomResourceEvent): Promise<void> => {
    const answer = {
      StackId: event.StackId,
      RequestId: event.RequestId,
      LogicalResourceId: event.LogicalResourceId,
      PhysicalResourceId: 'signing-keys',
    };
    try {
      if (event.RequestType !== 'Delete') await ensureKeys(dependencies, event.RequestId);
      await respond(event.ResponseURL, { ...answer, Status: 'SUCCESS' });
    } catch (error) {
      log('unexpected_error', describeError(error));
      await respond(event.ResponseURL, {
        ...answer,
        Status: 'FAILED',
        Reason: 'The signing keys could not be created: see the log of this function.',
      });
    }
  };
}

async function ensureKeys(dependencies: CreateSigningKeysDependencies, token: string): Promise<void> {
  const { loadRing, publish, log } = dependencies;
  let ring = (await loadRing()) ?? (await createRing(dependencies, token));
  // Another run at the same time may have stored its own ring: what is published has to be what is stored.
  for (let published = ''; published !== kidsOf(ring).join(); ring = (await loadRing()) ?? ring) {
    await publish(ring);
    published = kidsOf(ring).join();
  }
  log('signing_keys_published', { kids: kidsOf(ring) });
}

async function createRing(
  { loadRing, storeRing, bits, clock, log }: CreateSigningKeysDependencies,
  token: string,
): Promise<Ring> {
  const ring = await Promise.all([newRingKey('current', bits, clock()), newRingKey('next', bits, clock())]);
  try {
    await storeRing(ring, token);
  } catch (error) {
    // Refused, when the same request is run twice at once and the other run was first.
    const stored = await loadRing();
    if (stored === undefined) throw error;
    return stored;
  }
  log('signing_keys_created', { kids: kidsOf(ring) });
  return ring;
}

const kidsOf = (ring: Ring): string[] => ring.map(({ kid }) => kid);
