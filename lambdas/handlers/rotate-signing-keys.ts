import type { CloudFormationCustomResourceEvent, CloudFormationCustomResourceResponse } from 'aws-lambda';
import { BffError, type Clock } from '../common/index.ts';
import {
  ChangeRefused,
  check,
  draftRotation,
  ensureRing,
  finishRotation,
  importKey,
  KeysUnavailable,
  promote,
  publishDraft,
  RotationFailed,
  rotationSteps,
  status,
  testDraft,
  wouldRotate,
  type Change,
  type KeyManagerPorts,
  type Purpose,
  type Ring,
  type RotationStep,
  type Status,
} from '../keys/index.ts';
import { describeError, type Logger, type Metrics } from '../telemetry/index.ts';

/** A ring with the secret it lies in. */
export interface ManagedRing extends KeyManagerPorts {
  /** As Secrets Manager names it when it asks for a rotation. */
  readonly secretId: string;
  /** Its name in this account: the installation's, and the purpose. Metrics and keys in KMS carry it. */
  readonly ringName: string;
}

export interface RotateSigningKeysDependencies {
  readonly rings: readonly ManagedRing[];
  /** Tells CloudFormation how it went. */
  readonly respond: (url: string, response: CloudFormationCustomResourceResponse) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What Secrets Manager sends, four times a rotation. */
interface RotationEvent {
  readonly Step: RotationStep;
  readonly SecretId: string;
  readonly ClientRequestToken: string;
}

/** Why an operator's wish was not done. `message` is for them: what, why, and what to do. */
interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly message: string;
}

export type OperatorAnswer = Status | Change | Refusal;

/** An event that nobody of those sends who may call this function. */
class EventUnknown extends BffError {
  override readonly name = 'EventUnknown';
  readonly code = 'invalid_request';
}

type Event = Readonly<Record<string, unknown>>;

/**
 * The one function that writes signing keys. It is called by the deployment (which fills an empty secret), by Secrets
 * Manager (a rotation's four steps), by a schedule (`{"operation":"check"}`) and by operators.
 *
 * @throws KeysUnavailable, RotationFailed from a rotation's step or a check, so that its caller knows; an operator is
 *   answered instead
 */
export function rotateSigningKeys(dependencies: RotateSigningKeysDependencies) {
  return async (event: unknown): Promise<OperatorAnswer | undefined> => {
    if (typeof event !== 'object' || event === null) throw new EventUnknown('the event is not an object');
    const fields = event as Event;
    if ('RequestType' in fields) {
      await ensureRings(dependencies, event as CloudFormationCustomResourceEvent);
    } else if ('Step' in fields) await takeStep(dependencies, fields);
    else if (fields['operation'] === 'check') await checkRings(dependencies);
    else return operate(dependencies, fields);
    return undefined;
  };
}

const kidsOf = ({ keys }: Ring): string[] => keys.map(({ kid }) => kid);

/** The deployment's custom resource: makes the first ring where there is none, and publishes it. Keys that exist stay. */
async function ensureRings(
  { rings, respond, log }: RotateSigningKeysDependencies,
  event: CloudFormationCustomResourceEvent,
): Promise<void> {
  const answer = {
    StackId: event.StackId,
    RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId,
    PhysicalResourceId: 'signing-keys',
  };
  try {
    if (event.RequestType !== 'Delete') {
      for (const ports of rings) {
        const { ring, isNew } = await ensureRing(ports);
        const fields = { purpose: ports.purpose, kids: kidsOf(ring) };
        if (isNew) log('signing_keys_created', fields);
        log('signing_keys_published', fields);
      }
    }
  } catch (error) {
    log('unexpected_error', describeError(error));
    await respond(event.ResponseURL, {
      ...answer,
      Status: 'FAILED',
      Reason: 'The signing keys could not be created: see the log of this function.',
    });
    return;
  }
  await respond(event.ResponseURL, { ...answer, Status: 'SUCCESS' });
}

const isStep = (value: unknown): value is RotationStep => rotationSteps.some((step) => step === value);

function readRotationEvent(event: Event): RotationEvent {
  const { Step, SecretId, ClientRequestToken } = event;
  if (!isStep(Step) || typeof SecretId !== 'string' || typeof ClientRequestToken !== 'string') {
    throw new EventUnknown('the event is not a step of a rotation');
  }
  return { Step, SecretId, ClientRequestToken };
}

/** @returns the ring that signs now, once the last step is done */
async function doStep(ports: KeyManagerPorts, step: RotationStep, token: string): Promise<Ring | undefined> {
  if (step === 'finishSecret') return finishRotation(ports, token);
  if (step === 'createSecret') await draftRotation(ports, token);
  else if (step === 'setSecret') await publishDraft(ports, token);
  else await testDraft(ports, token);
  return undefined;
}

async function takeStep(dependencies: RotateSigningKeysDependencies, event: Event): Promise<void> {
  const { rings, log, metrics } = dependencies;
  const { Step: step, SecretId, ClientRequestToken: token } = readRotationEvent(event);
  const ports = rings.find(({ secretId }) => secretId === SecretId);
  if (ports === undefined) throw new EventUnknown('the secret to rotate is not one of ours');
  const { purpose, ringName } = ports;
  try {
    const ring = await doStep(ports, step, token);
    log('rotation_step_done', { purpose, step });
    if (ring === undefined) return;
    log('signing_keys_rotated', { purpose, kids: kidsOf(ring) });
    metrics(ringName, { RotationSucceeded: 1, PublishedSetEqualsRing: 1 });
  } catch (error) {
    const code = error instanceof BffError ? error.code : 'internal_error';
    log('rotation_step_failed', {
      purpose,
      step,
      code,
      detail: error instanceof RotationFailed ? error.message : undefined,
      ...describeError(error),
    });
    metrics(ringName, { RotationSucceeded: 0 });
    const at = dependencies.clock();
    // That it failed stands in the log by now; what reads this memory can do without it.
    await ports.published.recordRotation({ token, at, result: 'failed', code }).catch(() => undefined);
    throw withoutCause(error);
  }
}

/** Lambda writes what is thrown into the log, whatever it is. */
const withoutCause = (error: unknown): Error =>
  error instanceof BffError
    ? Object.assign(new Error(error.message), { name: error.name, code: error.code })
    : new Error('an unexpected error: see the log of this function');

async function checkRings({ rings, log, metrics }: RotateSigningKeysDependencies): Promise<void> {
  const failures: unknown[] = [];
  for (const ports of rings) {
    const { purpose, ringName } = ports;
    try {
      const found = await check(ports);
      if (found.differed) log('published_set_differed', { purpose, kids: found.kids });
      metrics(ringName, {
        SigningKeyAgeSeconds: found.signingKeyAgeSeconds,
        SecondsToNextRotation: found.secondsToNextRotation,
        PublishedSetEqualsRing: found.differed ? 0 : 1,
      });
    } catch (error) {
      failures.push(error);
      if (error instanceof BffError) log('dependency_failed', { code: error.code, ...describeError(error) });
      else log('unexpected_error', describeError(error));
    }
  }
  if (failures.length > 0) throw withoutCause(failures[0]);
}

async function operate(dependencies: RotateSigningKeysDependencies, event: Event): Promise<OperatorAnswer> {
  const { rings, log } = dependencies;
  const { operation, purpose = 'cis2' } = event;
  const ports = rings.find((ring) => ring.purpose === purpose);
  try {
    if (ports === undefined) {
      throw new EventUnknown(
        purpose === 'api-platform'
          ? 'The API platform has no keys of its own here: it trusts those of the purpose cis2.'
          : 'The purpose is cis2 or api-platform.',
      );
    }
    const answer = await act(ports, event);
    if ('dryRun' in answer && !answer.dryRun) {
      const fields = { purpose: ports.purpose, kids: answer.after.map(({ kid }) => kid) };
      log(operation === 'promote' ? 'signing_keys_promoted' : 'signing_key_imported', fields);
    }
    return answer;
  } catch (error) {
    const mayHaveMoved = (operation === 'promote' || operation === 'import') && event['dryRun'] !== true;
    return refusal(dependencies, { operation, purpose: ports?.purpose, mayHaveMoved }, error);
  }
}

function act(ports: ManagedRing, event: Event): Promise<Status | Change> {
  const { operation } = event;
  const dryRun = flag(event, 'dryRun');
  switch (operation) {
    case 'status':
      return status(ports);
    case 'rotate':
      if (!dryRun) {
        throw new EventUnknown('A rotation is started with Secrets Manager; this function only tries it.');
      }
      return wouldRotate(ports);
    case 'promote':
      return promote(ports, { dryRun });
    case 'import':
      return importKey(ports, { jwk: event['jwk'], kid: event['kid'], now: flag(event, 'now'), dryRun });
    default:
      throw new EventUnknown('The operation is none of status, rotate, promote, import and check.');
  }
}

/** A wish that is spelled wrongly must not be taken for its opposite. */
function flag(event: Event, name: string): boolean {
  const value = event[name] ?? false;
  if (typeof value !== 'boolean') throw new EventUnknown(`“${name}” is true or false.`);
  return value;
}

function refusal(
  { log }: RotateSigningKeysDependencies,
  about: { operation: unknown; purpose: Purpose | undefined; mayHaveMoved: boolean },
  error: unknown,
): Refusal {
  if (error instanceof ChangeRefused || error instanceof RotationFailed || error instanceof EventUnknown) {
    const operation = error instanceof EventUnknown ? undefined : String(about.operation);
    log('signing_keys_change_refused', { purpose: about.purpose, operation, code: error.code });
    return { ok: false, code: error.code, message: error.message };
  }
  if (error instanceof KeysUnavailable) {
    log('dependency_failed', { code: error.code, ...describeError(error) });
    return {
      ok: false,
      code: error.code,
      message: `${sentence(error.message)} ${about.mayHaveMoved ? lookFirst : tryAgain}`,
    };
  }
  log('unexpected_error', describeError(error));
  throw withoutCause(error);
}

const tryAgain = 'Nothing is broken by trying again; if it stays so, see the log of this function.';
/** A second promotion would withdraw the key that the first one has put in place. */
const lookFirst =
  'It may have been done all the same: look at the keys before anything else, and do it again only if they have not moved. What is left over is put right within the hour.';

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
