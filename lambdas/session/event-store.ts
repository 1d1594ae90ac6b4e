import type { SessionCredential } from './credential.ts';
import type { StoreOptions } from './store.ts';
import { connectEvents } from './transitions.ts';

/** What the holder of a session may do to hear of its end. */
export interface EventStore {
  /**
   * Stores the connection that the session's end is sent to; the newest takes the place of any other. No activity.
   *
   * @returns false when there is no live session of this credential
   */
  connect(credential: SessionCredential, connectionId: string): Promise<boolean>;
}

/** @throws StoreUnavailable from every method, when nothing is known */
export const createEventStore = (options: StoreOptions): EventStore => ({
  connect: (credential, connectionId) => connectEvents(options, credential, connectionId),
});
