import { parseJson } from '../../lambdas/common/json.ts';
import {
  CommandRefused,
  given,
  lasting,
  readChoice,
  readFlag,
  readText,
  readWhole,
  refuse,
  required,
  type CommandInput,
} from '../control-panel/input.ts';
import type { ClientRegistration } from './clients.ts';
import {
  authorizationErrors,
  faultInWords,
  faultyEndpoints,
  type ChangedDocument,
  type Effects,
  type Fault,
} from './effects.ts';
import type { Delivery, LogoutOrder, LogoutSender } from './logout-sender.ts';
import { isLogoutKind, LogoutImpossible, type LogoutKind } from './logout-token.ts';
import { personas } from './personas.ts';
import type { Cis2Session, Sessions } from './sessions.ts';
import type { KeyRing } from './signer.ts';

export interface CommandResult {
  /** What has been done, in a sentence. */
  readonly message: string;
  readonly deliveries?: readonly Delivery[];
}

type Command = (input: CommandInput) => CommandResult | Promise<CommandResult>;

const times = (input: CommandInput): number | undefined => readWhole(input, 'times', 1, 1_000);

/** Text of a form as the JSON it is, or else as itself: `3`, `null`, `["a"]`, `high`. */
const parsed = (value: string): unknown => {
  const json = parseJson(value);
  return json === undefined ? value : json;
};

function readFault(input: CommandInput): Fault {
  const kind = required(readChoice(input, 'kind', ['slow', 'status', 'reset', 'html'] as const), 'kind');
  if (kind === 'slow') {
    return { kind, milliseconds: required(readWhole(input, 'milliseconds', 1, 120_000), 'milliseconds') };
  }
  if (kind === 'status') return { kind, status: required(readWhole(input, 'status', 200, 599), 'status') };
  return { kind };
}

const levelClaims: Readonly<Record<string, readonly { in: ChangedDocument; name: string }[]>> = {
  authentication: [{ in: 'idToken', name: 'authentication_assurance_level' }],
  identity: [
    { in: 'idToken', name: 'id_assurance_level' },
    { in: 'userInfo', name: 'idassurancelevel' },
  ],
};

export interface ControlPanelParts {
  readonly issuer: string;
  readonly clients: readonly ClientRegistration[];
  readonly effects: Effects;
  readonly sessions: Sessions;
  readonly keys: KeyRing;
  readonly sender: LogoutSender;
}

/** The control panel: what a tester can do to the simulator while an app is using it. */
export class ControlPanel {
  readonly #parts: ControlPanelParts;

  constructor(parts: ControlPanelParts) {
    this.#parts = parts;
  }

  readonly commands = {
    pull: (input) => this.#pull(input),
    logout: (input) => this.#logout(input),
    rotate: (input) => this.#rotate(input),
    fault: (input) => this.#fault(input),
    levels: (input) => this.#levels(input),
    claim: (input) => this.#claim(input),
    'authorization-error': (input) => this.#authorizationError(input),
    clock: (input) => this.#clock(input),
    reset: () => this.#reset(),
  } satisfies Record<string, Command>;

  /**
   * @param command - its name
   * @throws CommandRefused for an unknown command, or input that it cannot work with
   */
  async run(command: string, input: CommandInput): Promise<CommandResult> {
    const commands: Readonly<Record<string, Command>> = this.commands;
    const known = Object.hasOwn(commands, command) ? commands[command] : undefined;
    try {
      return await (known ?? refuse('There is no such command.'))(input);
    } catch (error) {
      if (error instanceof LogoutImpossible) throw new CommandRefused(error.message);
      throw error;
    }
  }

  /** Everything there is to see. Never a token or a secret. */
  get state() {
    const { issuer, clients, effects, sessions, keys, sender } = this.#parts;
    return {
      issuer,
      clients: clients.map((client) => ({
        clientId: client.clientId,
        authentication: client.jwksUri === undefined ? 'client_secret_post' : 'private_key_jwt',
        redirectUris: client.redirectUris,
        backchannelLogoutUri: client.backchannelLogoutUri ?? null,
        postLogoutRedirectUris: client.postLogoutRedirectUris ?? [],
      })),
      personas: personas.map(({ uid, name, group, summary }) => ({ uid, name, group, summary })),
      sessions: sessions.live.map((session) => ({
        id: session.id,
        uid: session.persona.uid,
        name: session.persona.name,
        sid: session.sid,
        signedInAt: new Date(session.authTime * 1_000).toISOString(),
        selectedRoleId: session.selectedRoleId ?? null,
        clients: [...session.idTokens.keys()],
      })),
      keys: keys.all,
      ...effects.describe(),
      deliveries: sender.deliveries,
    };
  }

  /** Ends a CIS2 session and tells every client that had a sign-in in it, side by side and once each. */
  async end(session: Cis2Session): Promise<Delivery[]> {
    this.#parts.sessions.end(session);
    return this.#send(this.#clientsOf(session), 'good', session);
  }

  #clientsOf({ idTokens }: Cis2Session): ClientRegistration[] {
    return this.#parts.clients.filter(({ clientId }) => idTokens.has(clientId));
  }

  async #send(
    clients: readonly ClientRegistration[],
    kind: LogoutKind,
    session: Cis2Session,
  ): Promise<Delivery[]> {
    const orders = clients.map((client): LogoutOrder => ({
      client,
      kind,
      sub: session.persona.uid,
      sid: session.sid,
      idToken: session.idTokens.get(client.clientId),
    }));
    const sent = await Promise.all(orders.map((order) => this.#parts.sender.send(order)));
    return sent.filter((delivery) => delivery !== undefined);
  }

  /** The sessions that a command is about: one by its id, or all of a person. */
  #sessionsOf(input: CommandInput): readonly Cis2Session[] {
    const id = readText(input, 'session');
    const uid = readText(input, 'uid');
    if (id === undefined && uid === undefined) refuse('session or uid is missing.');
    const found = this.#parts.sessions.live.filter(
      (session) =>
        (id === undefined || session.id === id) && (uid === undefined || session.persona.uid === uid),
    );
    return found.length > 0 ? found : refuse('There is no such session.');
  }

  async #pull(input: CommandInput): Promise<CommandResult> {
    const found = this.#sessionsOf(input);
    const deliveries = (await Promise.all(found.map((session) => this.end(session)))).flat();
    const who = [...new Set(found.map(({ persona }) => persona.name))].join(', ');
    const outcome =
      deliveries.length === 0
        ? 'No app that they had signed in to has a back-channel logout URI, so none was told.'
        : `${String(deliveries.length)} logout ${deliveries.length === 1 ? 'token was' : 'tokens were'} sent.`;
    return { message: `The smartcard of ${who} was pulled. ${outcome}`, deliveries };
  }

  async #logout(input: CommandInput): Promise<CommandResult> {
    const name = readText(input, 'kind') ?? 'good';
    if (!isLogoutKind(name)) return refuse('There is no such kind of logout token.');
    const clientId = readText(input, 'client');
    const client = this.#parts.clients.find((registered) => registered.clientId === clientId);
    if (clientId !== undefined && client === undefined) refuse('There is no such client.');
    const deliveries =
      given(input, 'session') === undefined && given(input, 'uid') === undefined
        ? await this.#sendToClient(required(client, 'session, uid or client'), name, input)
        : (
            await Promise.all(
              this.#sessionsOf(input).map((session) =>
                this.#send(client === undefined ? this.#clientsOf(session) : [client], name, session),
              ),
            )
          ).flat();
    if (deliveries.length === 0) refuse('No client with a back-channel logout URI has a sign-in there.');
    return { message: `Sent: ${name}.`, deliveries };
  }

  /** A token about anybody, whether or not the simulator knows a session. */
  async #sendToClient(
    client: ClientRegistration,
    kind: LogoutKind,
    input: CommandInput,
  ): Promise<Delivery[]> {
    const [sub, sid] = [readText(input, 'sub'), readText(input, 'sid')];
    const delivery = await this.#parts.sender.send({ client, kind, sub, sid, idToken: undefined });
    return delivery === undefined ? [] : [delivery];
  }

  async #rotate(input: CommandInput): Promise<CommandResult> {
    const withdraw = readFlag(input, 'withdraw') ?? false;
    await this.#parts.keys.rotate({ withdraw });
    return {
      message: withdraw
        ? 'A new key signs, and every key before it is no longer published.'
        : 'A new key has been published and signs already; the ones before it are still published.',
    };
  }

  #fault(input: CommandInput): CommandResult {
    const endpoint = required(readChoice(input, 'endpoint', faultyEndpoints), 'endpoint');
    if (given(input, 'kind') === 'off') {
      this.#parts.effects.clearFault(endpoint);
      return { message: `The ${endpoint} endpoint works again.` };
    }
    const [fault, count] = [readFault(input), times(input)];
    this.#parts.effects.setFault(endpoint, fault, count);
    return { message: `The ${endpoint} endpoint: ${faultInWords(fault)}, ${lasting(count, 'request')}.` };
  }

  #levels(input: CommandInput): CommandResult {
    const count = times(input);
    const levels = Object.keys(levelClaims).flatMap((name) => {
      const value = given(input, name);
      return value === undefined ? [] : [{ name, value }];
    });
    if (levels.length === 0) refuse('authentication or identity is missing.');
    for (const { name, value } of levels) {
      for (const claim of levelClaims[name] ?? []) {
        this.#parts.effects.changeClaim(value === 'missing' ? claim : { ...claim, value }, count);
      }
    }
    return { message: `The assurance levels are other ones, ${lasting(count, 'sign-in')}.` };
  }

  #claim(input: CommandInput): CommandResult {
    const document = required(readChoice(input, 'in', ['idToken', 'userInfo'] as const), 'in');
    const name = required(readText(input, 'name'), 'name');
    if (readFlag(input, 'restore') ?? false) {
      this.#parts.effects.restoreClaim(document, name);
      return { message: `${name} is itself again.` };
    }
    const count = times(input);
    const [drop, typed] = [readFlag(input, 'drop') ?? false, readText(input, 'text')];
    // The empty string is a value too, where it is said in JSON.
    const value = typed === undefined ? input['value'] : parsed(typed);
    if (drop === (value !== undefined)) refuse('Either value (or text) or drop must be given.');
    this.#parts.effects.changeClaim(drop ? { in: document, name } : { in: document, name, value }, count);
    return {
      message: `${name} is ${drop ? 'left out' : JSON.stringify(value)}, ${lasting(count, 'sign-in')}.`,
    };
  }

  #authorizationError(input: CommandInput): CommandResult {
    if (given(input, 'error') === 'off') {
      this.#parts.effects.clearAuthorizationError();
      return { message: 'Sign-ins go on as usual.' };
    }
    const error = required(readChoice(input, 'error', authorizationErrors), 'error');
    const count = times(input) ?? 1;
    this.#parts.effects.setAuthorizationError(error, count);
    return { message: `${error} is answered, ${lasting(count, 'sign-in')}.` };
  }

  #clock(input: CommandInput): CommandResult {
    const day = 86_400;
    const seconds = required(readWhole(input, 'skewSeconds', -day, day), 'skewSeconds');
    this.#parts.effects.skewSeconds = seconds;
    return {
      message:
        seconds === 0
          ? 'The clock is right.'
          : `The clock is ${String(Math.abs(seconds))} s ${seconds > 0 ? 'ahead' : 'behind'}.`,
    };
  }

  #reset(): CommandResult {
    this.#parts.effects.reset();
    this.#parts.sender.forget();
    return { message: 'Everything that was switched on is off, and the list of answers is empty.' };
  }
}
