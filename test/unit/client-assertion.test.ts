import { expect, test } from '@jest/globals';
import type { AssertionSigner } from '../../lambdas/common/index.ts';
import { sendSigned } from '../../lambdas/outbound/index.ts';

const signerOf = (kid: string): AssertionSigner => ({ kid, sign: () => Promise.resolve(kid) });
/** A sender that is refused with its first key, and what it has sent. */
const sending = () => {
  const sent: string[] = [];
  const read: (string | undefined)[] = [];
  return {
    sent,
    read,
    signerNow: (refusedKid?: string) => {
      read.push(refusedKid);
      return Promise.resolve(signerOf(refusedKid === undefined ? 'first' : 'second'));
    },
    send: ({ kid }: AssertionSigner) => {
      sent.push(kid);
      return Promise.resolve(kid);
    },
  };
};

test('what was refused for its key is sent once more with another', async () => {
  const { sent, signerNow, send } = sending();
  const { signal } = new AbortController();
  expect(await sendSigned(signerNow, send, signal, () => true)).toBe('second');
  expect(sent).toEqual(['first', 'second']);
});

test('nothing is read or sent again once there is no time left', async () => {
  const { sent, read, signerNow, send } = sending();
  const abort = new AbortController();
  const refuses = () => {
    abort.abort();
    return true;
  };
  expect(await sendSigned(signerNow, send, abort.signal, refuses)).toBe('first');
  expect([sent, read]).toEqual([['first'], [undefined]]);
});
