/** Client assertions: how we prove to a token endpoint who we are (RFC 7523 section 2.2). */
import { untilAborted } from '../common/index.ts';

/** Signs client assertions with one of our keys: RS512, `typ` JWT, a fresh `jti`. */
export interface AssertionSigner {
  /** The name that its key is published under. */
  readonly kid: string;
  sign(assertion: {
    readonly clientId: string;
    readonly audience: string;
    readonly lifetimeSeconds: number;
  }): Promise<string>;
}

/** The API platform takes five minutes at most, CIS2's assessors ask for no more, and CIS2 refuses 30 minutes. */
const lifetimeSeconds = 240;

/** Adds a fresh assertion to a request's form. @param audience - the token endpoint, in the very characters it is known by */
export async function addAssertion(
  form: URLSearchParams,
  signer: AssertionSigner,
  clientId: string,
  audience: string,
): Promise<void> {
  form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
  form.set('client_assertion', await signer.sign({ clientId, audience, lifetimeSeconds }));
}

/**
 * Sends what is signed, and once more with another key where the one that signed was refused and there is another by now: a
 * client is refused before anything of its request is spent.
 *
 * @param signerNow - gives what signs at the moment; where it is given the name of a key that was refused, it reads again
 *   whether there is another
 * @param signal - when it aborts, nobody waits for another key any more
 */
export async function sendSigned<T>(
  signerNow: (refusedKid?: string) => Promise<AssertionSigner>,
  send: (signer: AssertionSigner) => Promise<T>,
  signal: AbortSignal,
  refusesKey: (sent: PromiseSettledResult<T>) => boolean | Promise<boolean>,
): Promise<T> {
  const signer = await signerNow();
  const [sent] = await Promise.allSettled([send(signer)]);
  if (await refusesKey(sent)) {
    const next = await untilAborted(
      signal,
      () => signerNow(signer.kid),
      () => signer,
    );
    if (next.kid !== signer.kid) return send(next);
  }
  if (sent.status === 'rejected') throw sent.reason;
  return sent.value;
}
