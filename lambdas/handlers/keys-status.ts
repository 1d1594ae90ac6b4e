import { KeysUnavailable, readStatus, type Status, type StatusPorts } from '../keys/index.ts';
import { logFailure, type Logger } from '../telemetry/index.ts';
import type { Refusal } from './rotate-signing-keys.ts';

/** For operators: the state of the keys of one purpose, `{"purpose":"cis2"}`. It can neither change nor read keys. */
export function keysStatus({ rings, log }: { readonly rings: readonly StatusPorts[]; readonly log: Logger }) {
  return async (event: unknown): Promise<Status | Refusal> => {
    const ring = rings.find(({ purpose }) => JSON.stringify(event) === JSON.stringify({ purpose }));
    if (ring === undefined) {
      return {
        ok: false,
        code: 'invalid_request',
        message: 'The event names the purpose of a ring, and nothing else.',
      };
    }
    try {
      return await readStatus(ring);
    } catch (error) {
      if (!(error instanceof KeysUnavailable)) throw error;
      logFailure(log, error);
      const message =
        'The state of the keys could not be read. If trying again does not help, run keys check: it publishes the ring again.';
      return { ok: false, code: error.code, message };
    }
  };
}
