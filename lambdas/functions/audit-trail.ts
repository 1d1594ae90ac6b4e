/** Copies the audit events of every function's log to its own log, which is stored for a year. It may touch nothing else. */
import { copyAuditEvents, type SubscriptionEvent } from '../telemetry/index.ts';

export const handler = (event: SubscriptionEvent): Promise<void> => {
  copyAuditEvents(event);
  return Promise.resolve();
};
