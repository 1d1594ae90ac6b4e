/** Client assertions: how we prove to a token endpoint who we are (RFC 7523 section 2.2). */
import { untilAborted, type AssertionSigner } from '../common/index.ts';

/** The API platform accepts at most five minutes, and so do CIS2's assessors; CIS2 refuses 30 minutes. */
const lifetimeSeconds = 240;

/** Adds a fresh assertion to the form of a request. @param audience - the token endpoint, character for character */
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
 * Sends a signed request, and once more with another key if the key was refused and has changed since. A server that
 * refuses a client has not used the code or token of the request.
 *
 * @param signerNow - gives the current signer; with the `kid` of a refused key it reads again
 * @param signal - once it aborts, no other key is read
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
