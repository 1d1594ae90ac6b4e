import type { SessionCredential } from './credential.ts';
import type { StoreOptions } from './store.ts';
import { connectEvents } from './transitions.ts';

/** What a function that subscribes to the end of a session may do. */
export type EventStore = ReturnType<typeof createEventStore>;

/** @throws StoreUnavailable from every method, when nothing is known */
export const createEventStore = (options: StoreOptions) => ({
  /**
   * Stores the connection that is notified of the session's end; it replaces an older one. Not user activity.
   *
   * @returns false when there is no live session of this credential
   */
  connect: (credential: SessionCredential, connectionId: string) =>
    connectEvents(options, credential, connectionId),
});
