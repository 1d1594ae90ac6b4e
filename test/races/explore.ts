/**
 * Every order in which the store's calls of operations that run at the same time can be carried out, by depth-first
 * search: a call waits until its turn, and every run begins anew, takes the choices made before and goes on with the
 * first one left.
 *
 * Orders that make no difference are run once (sleep sets): two calls next to each other, of which neither writes what
 * the other touches, give the same either way round. `every: true` runs them all.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { operationOf, type Command } from './embedded-table.ts';

export interface Table {
  send(command: Command): Promise<unknown>;
  /** What a command touches; as DynamoDB's commands do by default. */
  readonly touch?: (command: Command) => Touch;
}

export interface Touch {
  /** What is read or written, as `name|part`; what stands after a `#` is new in every run. */
  readonly items: readonly string[];
  readonly writes: boolean;
}

/**
 * What becomes of a call: it is done; it fails and nothing is done; it is done and its response is lost; or its response is
 * lost and the SDK sends it again.
 */
type Outcome = 'done' | 'failed' | 'lost' | 'again';
const outcomes: readonly Outcome[] = ['done', 'failed', 'lost', 'again'];

/** Names are new in every run: what a call touches is known only as long as the run lasts. */
interface PendingCall {
  readonly id: number;
  /** Who calls what: the same in every run that has come the same way. */
  readonly kind: string;
  readonly touches: readonly string[];
  readonly writes: boolean;
  readonly command: Command;
  readonly resolve: (response: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface Choice {
  /** Which call, by the order in which they came. */
  readonly id: number;
  readonly kind: string;
  readonly outcome: Outcome;
  /** Whether the operation that was at work could have gone on. */
  readonly switches: boolean;
}

export interface Race {
  /** Each begins at the same time as the others. */
  readonly operations: readonly (() => Promise<unknown>)[];
  /** Throws when what the run has left behind is wrong. */
  readonly check: (results: readonly PromiseSettledResult<unknown>[]) => Promise<void>;
  /** Puts the world back as it was before the operations, for the next run. Without it, every run sets up a world of its own. */
  readonly restore?: () => void;
}

/** Sets a world up; the calls of the operations go through the clients it is given. */
export type Scenario = (clientOf: (operation: string) => DynamoDBClient) => Promise<Race>;

export interface Exploration {
  /** Runs that were made to their end and checked. */
  readonly runs: number;
  /** Runs that were given up, for a run like them had been made. */
  readonly alike: number;
  /** The most calls in one run. */
  readonly longest: number;
}

/** A run whose check failed, with the order that led there. */
export class LosingOrder extends Error {
  override readonly name = 'LosingOrder';

  constructor(order: readonly string[], cause: unknown) {
    super(`${cause instanceof Error ? cause.message : String(cause)}\n  ${order.join('\n  ')}`, { cause });
  }
}

/** How often calls may go wrong in one run, and which of them. */
export interface Faults {
  readonly atMost: number;
  readonly of?: (call: string) => boolean;
}

/**
 * @param options.switches - how often, at most, one operation makes way for another while it could go on; then every such
 *   order is run, with what an operation asks for at once in the order in which it asks. Without it there is no bound
 * @throws LosingOrder at the first run whose check fails
 */
export async function explore(
  table: Table,
  scenario: Scenario,
  options: { every?: boolean; faults?: Faults; switches?: number } = {},
): Promise<Exploration> {
  const { faults = { atMost: 0 }, switches } = options;
  // A run that is like another may have fewer switches than that one, so with a bound none can be left out.
  const every = options.every ?? switches !== undefined;
  const unexplored: { path: readonly Choice[]; asleep: readonly Choice[] }[] = [{ path: [], asleep: [] }];
  let [runs, alike, longest] = [0, 0, 0];
  let run = new Run(table);
  const clientOf = (operation: string) =>
    ({ send: (command: Command) => run.call(operation, command) }) as unknown as DynamoDBClient;
  let race: Race | undefined;
  for (let node = unexplored.pop(); node !== undefined; node = unexplored.pop()) {
    run = new Run(table);
    if (race?.restore === undefined) race = await scenario(clientOf);
    else race.restore();
    await run.begin(race.operations);
    for (const choice of node.path) await run.take(choice);
    let path = node.path;
    let asleep = node.asleep;
    let given = false;
    while (run.pending.length > 0) {
      const faulty = path.filter(({ outcome }) => outcome !== 'done').length;
      const switched = path.filter((choice) => choice.switches).length;
      const open = (switches === undefined ? run.pending : firstOfEach(run.pending))
        .flatMap((call) => choicesFor(call, faulty < faults.atMost, faults.of))
        .map((choice) => ({ ...choice, switches: run.switchesTo(choice, path.at(-1)) }))
        .filter((choice) => switches === undefined || !choice.switches || switched < switches);
      const [next, ...others] = open.filter((choice) => !asleep.some((slept) => alikeChoices(slept, choice)));
      if (next === undefined) {
        given = true;
        break;
      }
      const explored = [...asleep, next];
      for (const other of others) {
        unexplored.push({
          path: [...path, other],
          asleep: every ? [] : explored.filter((earlier) => run.commute(earlier, other)),
        });
        explored.push(other);
      }
      asleep = every ? [] : asleep.filter((earlier) => run.commute(earlier, next));
      path = [...path, next];
      await run.take(next);
    }
    if (given) {
      alike += 1;
      continue;
    }
    runs += 1;
    longest = Math.max(longest, path.length);
    await run.check(race);
  }
  return { runs, alike, longest };
}

const choicesFor = (
  { id, kind }: PendingCall,
  mayFail: boolean,
  of: (call: string) => boolean = () => true,
): Omit<Choice, 'switches'>[] =>
  outcomes
    .filter((outcome) => outcome === 'done' || (mayFail && of(kind)))
    .map((outcome) => ({ id, kind, outcome }));

const operationIn = (kind: string): string => kind.slice(0, kind.indexOf(':'));
const firstOfEach = (pending: readonly PendingCall[]): PendingCall[] =>
  pending.filter(({ kind }, index) =>
    pending.slice(0, index).every((earlier) => operationIn(earlier.kind) !== operationIn(kind)),
  );

const alikeChoices = (one: Choice, other: Choice): boolean =>
  one.id === other.id && one.outcome === other.outcome;

/** How long an operation may work without a call: a signature is made elsewhere than in the event loop. */
const maxThoughtMs = 5_000;

class Run {
  readonly pending: PendingCall[] = [];
  readonly #order: string[] = [];
  readonly #table: Table;
  #arrived = 0;
  #begun = 0;
  #ended = 0;
  #results: readonly PromiseSettledResult<unknown>[] | undefined;

  constructor(table: Table) {
    this.#table = table;
  }

  async begin(operations: Race['operations']): Promise<void> {
    const ended = () => {
      this.#ended += 1;
    };
    const begun: Promise<unknown>[] = [];
    // None gets further than its first call, and these come in the same order in every run.
    for (const begin of operations) {
      const operation = begin();
      operation.then(ended, ended);
      begun.push(operation);
      this.#begun += 1;
      await this.#settle();
    }
    void Promise.allSettled(begun).then((results) => {
      this.#results = results;
    });
  }

  /** Whether two choices give the same in either order. Two faults never do: only one may be allowed. */
  commute(one: Choice, other: Choice): boolean {
    if (one.id === other.id || (one.outcome !== 'done' && other.outcome !== 'done')) return false;
    const [left, right] = [this.#pendingCall(one), this.#pendingCall(other)];
    // What fails leaves no trace.
    if (one.outcome === 'failed' || other.outcome === 'failed') return true;
    return !((left.writes || right.writes) && left.touches.some((item) => right.touches.includes(item)));
  }

  /** Whether a choice sets the operation aside that made the last call, though that one could go on. */
  switchesTo({ kind }: Pick<Choice, 'kind'>, last: Choice | undefined): boolean {
    const atWork = last && operationIn(last.kind);
    return (
      atWork !== undefined &&
      operationIn(kind) !== atWork &&
      this.pending.some((call) => operationIn(call.kind) === atWork)
    );
  }

  #pendingCall({ id, kind }: Choice): PendingCall {
    const call = this.pending.find((candidate) => candidate.id === id);
    if (call?.kind !== kind) throw new Error('a run went another way than the one before it');
    return call;
  }

  async take(choice: Choice): Promise<void> {
    const call = this.#pendingCall(choice);
    const { outcome } = choice;
    this.pending.splice(this.pending.indexOf(call), 1);
    this.#order.push(
      `${call.kind} ${call.touches.map(shortened).join(', ')}${outcome === 'done' ? '' : `: ${outcome}`}`,
    );
    if (outcome === 'failed') call.reject(new Error('made to fail'));
    else {
      const [response] = await Promise.allSettled([this.#table.send(call.command)]);
      if (outcome === 'again') this.#enqueue(call);
      else if (outcome === 'lost') call.reject(new Error('made to lose its response'));
      else if (response.status === 'fulfilled') call.resolve(response.value);
      else call.reject(response.reason);
    }
    await this.#settle();
  }

  async check({ check }: Race): Promise<void> {
    if (this.#results === undefined) throw new Error('an operation waits for something that is not a call');
    try {
      await check(this.#results);
    } catch (error) {
      throw new LosingOrder(this.#order, error);
    }
  }

  /** Has a call of an operation wait for its turn. */
  call(operation: string, command: Command): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const { items: touches, writes } = (this.#table.touch ?? touchOfDynamoDb)(command);
      const kind = `${operation}: ${operationOf(command)} ${touches.map(sortOf).join(', ')}`;
      this.#enqueue({ kind, touches, writes, command, resolve, reject });
    });
  }

  #enqueue(call: Omit<PendingCall, 'id'>): void {
    this.pending.push({ ...call, id: this.#arrived });
    this.#arrived += 1;
  }

  /** Lets everything run that needs no call, until every operation has come to its end or waits for one. */
  async #settle(): Promise<void> {
    const until = performance.now() + maxThoughtMs;
    do await new Promise((resolve) => setImmediate(resolve));
    while (!this.#waits() && performance.now() < until);
  }

  #waits(): boolean {
    const waiting = new Set(this.pending.map(({ kind }) => operationIn(kind)));
    return this.#ended + waiting.size >= this.#begun;
  }
}

type Key = Readonly<Record<string, { readonly S?: string } | undefined>>;
const nameOf = (item: Key): string => `${item['pk']?.S ?? ''}|${item['sk']?.S ?? ''}`;
/** What sort of item it is, without its name. */
const sortOf = (item: string): string => item.replace(/#[^|]*/, '');
const shortened = (item: string): string => item.replace(/#(.{1,6})[^|]*/, '#$1');

const touchOfDynamoDb = (command: Command): Touch => ({
  items: touchedBy(command),
  writes: /^(?:(?:Put|Update|Delete)Item|TransactWriteItems|Exchange|Refresh|Wait)$/.test(
    operationOf(command),
  ),
});

/** The items that a command reads or writes, as `pk|sk`. */
function touchedBy({ input }: Command): string[] {
  const key = (input['Key'] ?? input['Item']) as Key | undefined;
  if (key !== undefined) return [nameOf(key)];
  const parts = input['TransactItems'] as readonly Readonly<Record<string, { Key: Key }>>[] | undefined;
  if (parts !== undefined) return parts.flatMap((part) => Object.values(part).map(({ Key }) => nameOf(Key)));
  const requests = input['RequestItems'] as Readonly<Record<string, { Keys: readonly Key[] }>> | undefined;
  if (requests !== undefined) return Object.values(requests).flatMap(({ Keys }) => Keys.map(nameOf));
  const values = input['ExpressionAttributeValues'] as Key | undefined;
  const pk = values?.[':pk']?.S;
  if (pk === undefined) throw new Error('a command that touches unknown items');
  const last = values?.[':last']?.S;
  if (last === undefined) throw new Error('a read of unknown items');
  return ['core', 'profile', 'token#api-platform', 'token#cis2']
    .filter((name) => name <= last)
    .map((name) => `${pk}|${name}`);
}
