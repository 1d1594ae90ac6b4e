/**
 * The events of `rotate-signing-keys`. A member that is unknown, misspelt or of another type is refused: a `dryrun` that is
 * ignored would make an unwanted change.
 */
import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { BffError, isObject, type JsonObject } from '../common/index.ts';
import { purposes, rotationSteps, type Purpose, type RotationStep } from '../keys/index.ts';

/** An event that no caller of this function sends. */
export class EventRefused extends BffError {
  override readonly name = 'EventRefused';
  readonly code = 'invalid_request';
}

/** The deployment's custom resource. */
export interface DeploymentEvent extends Pick<
  CloudFormationCustomResourceEvent,
  'RequestType' | 'ResponseURL' | 'StackId' | 'RequestId' | 'LogicalResourceId'
> {
  readonly kind: 'deployment';
}

/** One of Secrets Manager's four steps of a rotation. */
export interface StepEvent {
  readonly kind: 'step';
  readonly step: RotationStep;
  readonly secretId: string;
  readonly token: string;
}

/** What an operator wants, for the ring of one purpose. */
export interface OperatorEvent {
  readonly kind: 'operator';
  readonly operation: 'rotate' | 'promote' | 'import';
  readonly purpose: Purpose;
  readonly dryRun: boolean;
  /** Of an import: the key, its name, and whether it signs at once. */
  readonly jwk: unknown;
  readonly kid: unknown;
  readonly now: boolean;
}

export type KeyEvent = DeploymentEvent | StepEvent | { readonly kind: 'check' } | OperatorEvent;

/** @throws EventRefused */
export function readEvent(event: unknown): KeyEvent {
  if (!isObject(event)) throw new EventRefused('The event is not an object.');
  if (isFromAws(event)) {
    return Object.hasOwn(event, 'RequestType') ? readDeployment(event) : readStep(event);
  }
  return readOperation(event);
}

/** Whether AWS sends such events, and not the hourly schedule or an operator. */
export const isFromAws = (event: unknown): boolean =>
  isObject(event) && (Object.hasOwn(event, 'RequestType') || Object.hasOwn(event, 'Step'));

/** The members of CloudFormation's events, and of Secrets Manager's. */
const deploymentMembers = {
  RequestType: 'string',
  ResponseURL: 'string',
  StackId: 'string',
  RequestId: 'string',
  LogicalResourceId: 'string',
  PhysicalResourceId: 'string',
  ResourceType: 'string',
  ServiceToken: 'string',
  ResourceProperties: 'object',
  OldResourceProperties: 'object',
} as const;
const stepMembers = {
  Step: 'string',
  SecretId: 'string',
  ClientRequestToken: 'string',
  RotationToken: 'string',
} as const;
const awsMembers = Object.keys({ ...deploymentMembers, ...stepMembers });

/**
 * @returns gives the text of a required member
 * @throws EventRefused. A new member of AWS is accepted: it begins with a capital, and is not similar to a known one
 */
function checkedMembers<Name extends string>(
  event: JsonObject,
  members: Readonly<Record<Name, 'string' | 'object'>>,
): (name: Name) => string {
  for (const [name, value] of Object.entries(event)) {
    const isKnown = Object.hasOwn(members, name);
    const isSimilar = awsMembers.some((known) => known.toLowerCase() === name.toLowerCase());
    if (
      isKnown ? value === null || typeof value !== members[name as Name] : isSimilar || !/^[A-Z]/.test(name)
    ) {
      throw new EventRefused('The event has a member that is unknown, or of another type.');
    }
  }
  return (name) => {
    const value = Object.hasOwn(event, name) ? event[name] : undefined;
    if (typeof value !== 'string' || value === '') throw new EventRefused(`The event has no ${name}.`);
    return value;
  };
}

function readDeployment(event: JsonObject): DeploymentEvent {
  const text = checkedMembers(event, deploymentMembers);
  const RequestType = (['Create', 'Update', 'Delete'] as const).find((type) => type === event['RequestType']);
  if (RequestType === undefined) throw new EventRefused('Unknown RequestType.');
  return {
    kind: 'deployment',
    RequestType,
    ResponseURL: text('ResponseURL'),
    StackId: text('StackId'),
    RequestId: text('RequestId'),
    LogicalResourceId: text('LogicalResourceId'),
  };
}

function readStep(event: JsonObject): StepEvent {
  const text = checkedMembers(event, stepMembers);
  const step = rotationSteps.find((known) => known === event['Step']);
  if (step === undefined) throw new EventRefused('Unknown Step.');
  return {
    kind: 'step',
    step,
    secretId: text('SecretId'),
    token: text('ClientRequestToken'),
  };
}

/** Operation → the members that it has. */
const operationMembers = {
  check: [],
  rotate: ['purpose', 'dryRun'],
  promote: ['purpose', 'dryRun'],
  import: ['purpose', 'dryRun', 'jwk', 'kid', 'now'],
} as const;
type Operation = keyof typeof operationMembers;

function readOperation(event: JsonObject): KeyEvent {
  const { operation, purpose: named = 'cis2', jwk, kid } = event;
  if (typeof operation !== 'string' || !Object.hasOwn(operationMembers, operation)) {
    throw new EventRefused('The operation is none of rotate, promote, import and check.');
  }
  const members: readonly string[] = ['operation', ...operationMembers[operation as Operation]];
  if (!Object.keys(event).every((name) => members.includes(name))) {
    throw new EventRefused(`The members of ${operation} are ${members.join(', ')}, and no others.`);
  }
  if (operation === 'check') return { kind: 'check' };
  const purpose = purposes.find((known) => known === named);
  if (purpose === undefined) throw new EventRefused('The purpose is cis2 or api-platform.');
  return {
    kind: 'operator',
    operation: operation as Exclude<Operation, 'check'>,
    purpose,
    dryRun: flag(event, 'dryRun'),
    jwk,
    kid,
    now: flag(event, 'now'),
  };
}

function flag(event: JsonObject, name: string): boolean {
  const value = Object.hasOwn(event, name) ? event[name] : false;
  if (typeof value !== 'boolean') throw new EventRefused(`“${name}” is true or false.`);
  return value;
}

/**
 * Where CloudFormation accepts the response of a custom resource: its bucket in the region, by virtual host.
 *
 * @param origin - `aws`, or the origin of the local run's CloudFormation
 * @param region - the function's own
 * @returns whether a response may be sent to an address
 */
export function responseAddresses(origin: string, region: string): (address: string) => boolean {
  const bucket = `cloudformation-custom-resource-response-${region.replaceAll('-', '')}`;
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const allowed =
    origin === 'aws'
      ? [`s3.${region}`, `s3-${region}`, 's3'].map((service) => `https://${bucket}.${service}.${domain}`)
      : [origin];
  return (address) => {
    if (region === '' || !URL.canParse(address)) return false;
    const url = new URL(address);
    return allowed.includes(url.origin) && url.username === '' && url.password === '';
  };
}
