import type { CloudFormationCustomResourceResponse } from 'aws-lambda';
import { BffError, type Clock } from '../common/index.ts';
import {
  ChangeRefused,
  checkRing,
  ensureRing,
  importKey,
  KeysUnavailable,
  promote,
  takeRotationStep,
  previewRotation,
  type Change,
  type KeyManagerPorts,
} from '../keys/index.ts';
import { describeError, logFailure, type Logger, type Metrics } from '../telemetry/index.ts';
import { EventRefused, isFromAws, readEvent } from './signing-key-events.ts';
import type { DeploymentEvent, OperatorEvent, StepEvent } from './signing-key-events.ts';

/** A ring with the secret that holds it. */
export interface ManagedRing extends KeyManagerPorts {
  /** The ARN that Secrets Manager sends in a rotation. */
  readonly secretId: string;
  /** Its name in this account: the installation's, and the purpose. Metrics and keys in KMS carry it. */
  readonly ringName: string;
}

export interface RotateSigningKeysDependencies {
  readonly rings: readonly ManagedRing[];
  /** Whether an address is one where CloudFormation accepts responses. */
  readonly isResponseAddress: (address: string) => boolean;
  /** Sends CloudFormation the result. */
  readonly respond: (address: string, response: CloudFormationCustomResourceResponse) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Why a change is not made. `message` tells the operator what, why, and what to do. */
export interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

/**
 * The one function that writes signing keys. It is called by the deployment (to fill an empty secret), by Secrets
 * Manager (a rotation's four steps), by a schedule (`{"operation":"check"}`) and by operators, who get a response.
 *
 * @throws EventRefused, KeysUnavailable, ChangeRefused to all callers but operators
 */
export function rotateSigningKeys(dependencies: RotateSigningKeysDependencies) {
  return async (input: unknown): Promise<Change | Refusal | undefined> => {
    try {
      const event = readEvent(input);
      if (event.kind === 'operator') return await changeForOperator(dependencies, event);
      if (event.kind === 'deployment') await ensureRings(dependencies, event);
      else if (event.kind === 'step') await takeStep(dependencies, event);
      else await checkRings(dependencies);
      return undefined;
    } catch (error) {
      if (error instanceof EventRefused && !isFromAws(input)) return refusalOf(dependencies, error);
      throw error;
    }
  };
}

const kidsOf = (keys: readonly { readonly kid: string }[]): string[] => keys.map(({ kid }) => kid);

/** The deployment: makes the first ring if there is none, and publishes it. Existing keys stay. */
async function ensureRings(
  { rings, isResponseAddress, respond, log }: RotateSigningKeysDependencies,
  { RequestType, ResponseURL, StackId, RequestId, LogicalResourceId }: DeploymentEvent,
): Promise<void> {
  if (!isResponseAddress(ResponseURL)) throw new EventRefused('The ResponseURL is not CloudFormation’s.');
  const identity = { StackId, RequestId, LogicalResourceId, PhysicalResourceId: 'signing-keys' };
  try {
    for (const ports of RequestType === 'Delete' ? [] : rings) {
      const { state, isNew } = await retryWhileDenied(ports, () => ensureRing(ports));
      const fields = { purpose: ports.purpose, kids: kidsOf(state.current.ring.keys) };
      if (isNew) log('signing_keys_created', fields);
      log('signing_keys_published', fields);
    }
  } catch (error) {
    logFailure(log, error);
    const Reason = 'The signing keys could not be created: see the log of this function.';
    await respond(ResponseURL, { ...identity, Status: 'FAILED', Reason });
    return;
  }
  await respond(ResponseURL, { ...identity, Status: 'SUCCESS' });
}

const retryPauseSeconds = 5;
const maxTries = 7;

/** A new role has no rights for some seconds: it waits half a minute for them. */
async function retryWhileDenied<T>({ wait }: ManagedRing, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!isDenied(error) || tries === maxTries) throw error;
    }
    await wait(retryPauseSeconds);
  }
}

const isDenied = (error: unknown): boolean =>
  error instanceof Error && (error.name === 'AccessDeniedException' || isDenied(error.cause));

/** Secrets Manager: takes a step of a rotation, and records its result. */
async function takeStep(
  { rings, clock, log, metrics }: RotateSigningKeysDependencies,
  { step, secretId, token }: StepEvent,
): Promise<void> {
  const ports = rings.find((ring) => ring.secretId === secretId);
  if (ports === undefined) throw new EventRefused('Unknown secret.');
  const { purpose, ringName, published } = ports;
  try {
    const ring = await takeRotationStep(ports, step, token);
    log('rotation_step_done', { purpose, step });
    if (ring === undefined) return;
    log('signing_keys_rotated', { purpose, kids: kidsOf(ring.keys) });
    metrics(ringName, { RotationSucceeded: 1, PublishedSetEqualsRing: 1 });
  } catch (error) {
    const code = error instanceof BffError ? error.code : 'internal_error';
    const detail = error instanceof ChangeRefused ? error.message : undefined;
    log('rotation_step_failed', { purpose, step, code, detail, ...describeError(error) });
    metrics(ringName, { RotationSucceeded: 0 });
    // For keys status only; the failure is logged already.
    await published.recordRotation({ token, at: clock(), result: 'failed', code }).catch(() => undefined);
    throw withoutCause(error);
  }
}

/** The schedule: repairs and measures. */
async function checkRings({ rings, log, metrics }: RotateSigningKeysDependencies): Promise<void> {
  const failures: unknown[] = [];
  for (const ports of rings) {
    const { purpose, ringName } = ports;
    try {
      const found = await checkRing(ports);
      if (found.differed) log('published_set_differed', { purpose, kids: found.kids });
      metrics(ringName, {
        SigningKeyAgeSeconds: found.signingKeyAgeSeconds,
        SecondsToNextRotation: found.secondsToNextRotation,
        PublishedSetEqualsRing: found.differed ? 0 : 1,
      });
    } catch (error) {
      failures.push(error);
      logFailure(log, error);
    }
  }
  if (failures.length > 0) throw withoutCause(failures[0]);
}

/** An operator: makes a change, or previews it. */
async function changeForOperator(
  dependencies: RotateSigningKeysDependencies,
  event: OperatorEvent,
): Promise<Change | Refusal> {
  try {
    const ports = dependencies.rings.find(({ purpose }) => purpose === event.purpose);
    if (ports === undefined) {
      throw new EventRefused(
        'The API platform has no keys of its own here: it trusts those of the purpose cis2.',
      );
    }
    const change = await makeChange(ports, event);
    if (!change.dryRun) {
      const logged = event.operation === 'promote' ? 'signing_keys_promoted' : 'signing_key_imported';
      dependencies.log(logged, { purpose: event.purpose, kids: kidsOf(change.after) });
    }
    return change;
  } catch (error) {
    return refusalOf(dependencies, error, event);
  }
}

function makeChange(ports: ManagedRing, event: OperatorEvent): Promise<Change> {
  if (event.operation === 'promote') return promote(ports, event);
  if (event.operation === 'import') return importKey(ports, event);
  if (event.dryRun) return previewRotation(ports);
  throw new EventRefused('A rotation is started with Secrets Manager; this function only tries it.');
}

const tryAgain = 'Nothing is broken by trying again; if it stays so, see the log of this function.';
/** A second promotion would withdraw the key that the first one made current. */
const checkFirst =
  'It may have been done all the same: check the keys before anything else, and do it again only if they have not moved. What is left over is put right within the hour.';

function refusalOf({ log }: RotateSigningKeysDependencies, error: unknown, event?: OperatorEvent): Refusal {
  if (error instanceof ChangeRefused || error instanceof EventRefused) {
    const { code, message } = error;
    log('signing_keys_change_refused', { purpose: event?.purpose, operation: event?.operation, code });
    return { ok: false, code, message };
  }
  if (error instanceof KeysUnavailable) {
    const { code, message } = error;
    log('dependency_failed', { code, ...describeError(error) });
    const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
    return { ok: false, code, message: `${sentence} ${event?.dryRun === false ? checkFirst : tryAgain}` };
  }
  log('unexpected_error', describeError(error));
  throw withoutCause(error);
}

/** Lambda logs every thrown error, so its cause is removed. */
const withoutCause = (error: unknown): Error =>
  error instanceof BffError
    ? Object.assign(new Error(error.message), { name: error.name, code: error.code })
    : new Error('an unexpected error: see the log of this function');
