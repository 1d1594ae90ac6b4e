import { randomBytes } from 'node:crypto';
import { ExpiringMap, type Clock } from './expiring-map.ts';
import type { Persona } from './personas.ts';
import { randomValue } from './signer.ts';

/** How long a person stays signed in at the simulator itself. */
const lifetimeSeconds = 43_200;

/** A single sign-on session: one person in one browser, and the apps that this sign-in has reached. */
export interface Cis2Session {
  /** What the control panel calls it; of no use as a cookie or a claim. */
  readonly id: string;
  /** What tokens call it. */
  readonly sid: string;
  readonly persona: Persona;
  /** By the simulator's own, perhaps wrong, clock. */
  readonly authTime: number;
  /** The role chosen in this session; undefined until somebody asks for one and it is chosen. */
  selectedRoleId: string | undefined;
  /** The clients that got an ID token in this session, with the last one each got. */
  readonly idTokens: Map<string, string>;
}

/** Who is signed in at the simulator, by the cookie of the browser. */
export class Sessions {
  readonly #byCookie: ExpiringMap<Cis2Session>;

  constructor(clock: Clock) {
    this.#byCookie = new ExpiringMap(lifetimeSeconds, clock);
  }

  /**
   * Signs a person in. One person at a time: the session that the browser had before is replaced, and no app is notified;
   * whether CIS2 tells is not known.
   *
   * @param before - the cookie that came with the request
   */
  start(
    persona: Persona,
    authTime: number,
    before: string | undefined,
  ): { readonly session: Cis2Session; readonly cookie: string } {
    if (before !== undefined) this.#byCookie.delete(before);
    const session: Cis2Session = {
      id: randomBytes(6).toString('base64url'),
      sid: randomBytes(32).toString('base64'),
      persona,
      authTime,
      selectedRoleId: persona.authenticator.choosesRole === true ? persona.roleInAgent : undefined,
      idTokens: new Map(),
    };
    const cookie = randomValue();
    this.#byCookie.set(cookie, session);
    return { session, cookie };
  }

  ofBrowser(cookie: string | undefined): Cis2Session | undefined {
    return cookie === undefined ? undefined : this.#byCookie.get(cookie);
  }

  find(matches: (session: Cis2Session) => boolean): Cis2Session | undefined {
    return this.live.find(matches);
  }

  /** The oldest first. */
  get live(): readonly Cis2Session[] {
    return this.#byCookie.values();
  }

  isLive(session: Cis2Session): boolean {
    return this.live.includes(session);
  }

  end(session: Cis2Session): void {
    this.#byCookie.deleteWhere((other) => other === session);
  }
}
