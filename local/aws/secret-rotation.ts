import { randomUUID } from 'node:crypto';
import { now, optionalFlag, optionalObject, optionalText, Refusal } from './aws-json.ts';
import type { Input, Output } from './aws-json.ts';
import type { Invocation } from './lambda-runtime.ts';
import { addVersion, labelled, moveStage, versionId } from './secret-store.ts';
import type { RotationSettings, StoredSecret } from './secret-store.ts';

/** Runs a function once, by its ARN. */
export type Invoke = (functionArn: string, event: Input) => Promise<Invocation>;

/** The steps of a rotation, in the order in which Secrets Manager asks a function for them. */
const steps = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

const daySeconds = 86_400;
const unitSeconds = { hour: 3_600, day: daySeconds };

/** @throws Refusal for a schedule that Secrets Manager refuses, or that is a `cron()` */
function intervalOf(rules: Input): number {
  const days = rules['AutomaticallyAfterDays'];
  const expression = optionalText(rules, 'ScheduleExpression');
  const [, count, unit] = /^rate\((\d{1,4}) (hour|day)s?\)$/.exec(expression ?? '') ?? [];
  const seconds =
    expression === undefined
      ? Number(days) * daySeconds
      : Number(count) * unitSeconds[unit as keyof typeof unitSeconds];
  const isAmbiguous = (days === undefined) === (expression === undefined);
  if (isAmbiguous || !(seconds >= 4 * unitSeconds.hour && seconds <= 1_000 * daySeconds)) {
    throw new Refusal(
      'InvalidParameterException',
      'RotationRules must have AutomaticallyAfterDays (1 to 1000) or ScheduleExpression, a rate() of 4 hours to 1000 days here.',
    );
  }
  return seconds;
}

/** The call that rotates secrets. A rotation that fails stays as it is until the next call asks for one. */
export class SecretRotations {
  /** The last attempt that a secret has, and the rotation that it belongs to. */
  readonly #running = new Map<StoredSecret, { readonly token: string; readonly ended: Promise<void> }>();
  /** Absent: Secrets Manager may call no function. */
  invoke: Invoke | undefined;

  rotate(secret: StoredSecret, input: Input): Output {
    const token = versionId(input, 'ClientRequestToken') ?? randomUUID();
    const settings = this.#settings(secret, input);
    const response = { ARN: secret.arn, Name: secret.name, VersionId: token };

    const last = labelled(secret, 'AWSPENDING');
    const pending = last?.stages.has('AWSCURRENT') === true ? undefined : last;
    if (pending !== undefined && pending.id !== token) {
      // The earlier rotation is continued under its own token; the one that was asked for does not begin.
      if (secret.rotation !== undefined)
        this.#start(secret, pending.id, () => this.#attempt(secret, pending.id));
      throw new Refusal(
        'InvalidRequestException',
        "A previous rotation isn't complete. That rotation will be reattempted.",
      );
    }

    const known = secret.versions.get(token);
    // A version that is no longer pending comes from a rotation that is over: this is its call again, and late.
    if (known !== undefined && known !== pending) return response;
    secret.rotation = settings;
    secret.changedAt = now();
    if (optionalFlag(input, 'RotateImmediately') === false) {
      this.#start(secret, token, () => this.#tryOut(secret, token));
      return response;
    }
    moveStage(secret, 'AWSPENDING', known ?? addVersion(secret, token));
    this.#start(secret, token, () => this.#attempt(secret, token));
    return response;
  }

  /** Resolves when no rotation runs. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  #settings(secret: StoredSecret, input: Input): RotationSettings {
    const functionArn = optionalText(input, 'RotationLambdaARN') ?? secret.rotation?.functionArn;
    const rules = optionalObject(input, 'RotationRules') ?? secret.rotation?.rules;
    if (functionArn === undefined) {
      throw new Refusal(
        'InvalidRequestException',
        'No Lambda rotation function ARN is associated with this secret.',
      );
    }
    if (rules === undefined) {
      throw new Refusal('InvalidParameterException', 'RotationRules must be given with the first rotation.');
    }
    if (this.invoke === undefined) {
      throw new Refusal(
        'AccessDeniedException',
        'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
      );
    }
    return { functionArn, rules, intervalSeconds: intervalOf(rules) };
  }

  /**
   * One attempt a secret at a time. What asks for the same rotation meanwhile gets the attempt that runs; another rotation,
   * which may begin before the attempt that has moved AWSCURRENT is over, runs after it.
   */
  #start(secret: StoredSecret, token: string, attempt: () => Promise<void>): void {
    const running = this.#running.get(secret);
    if (running?.token === token) return;
    const ended = (running?.ended ?? Promise.resolve()).then(attempt).finally(() => {
      if (this.#running.get(secret)?.ended === ended) this.#running.delete(secret);
    });
    this.#running.set(secret, { token, ended });
  }

  /** The four steps, one after the other; a step that fails is the last, and leaves AWSPENDING where it is. */
  async #attempt(secret: StoredSecret, token: string): Promise<void> {
    for (const step of steps) if (!(await this.#step(secret, token, step))) return;
    secret.lastRotatedAt = now();
  }

  /**
   * When a schedule is set and nothing shall rotate at once, Secrets Manager asks for `testSecret` alone, on a pending
   * version that is a copy of the current one and is there for no longer than that.
   */
  async #tryOut(secret: StoredSecret, token: string): Promise<void> {
    const current = labelled(secret, 'AWSCURRENT');
    if (current === undefined) return;
    const copy = addVersion(secret, token, current.value);
    moveStage(secret, 'AWSPENDING', copy);
    await this.#step(secret, token, 'testSecret');
    if (labelled(secret, 'AWSPENDING') === copy) moveStage(secret, 'AWSPENDING', undefined);
    if (copy.stages.size === 0) secret.versions.delete(token);
  }

  async #step(secret: StoredSecret, token: string, step: (typeof steps)[number]): Promise<boolean> {
    if (this.invoke === undefined || secret.rotation === undefined) return false;
    const { ok } = await this.invoke(secret.rotation.functionArn, {
      Step: step,
      SecretId: secret.arn,
      ClientRequestToken: token,
      RotationToken: randomUUID(),
    });
    return ok;
  }
}
