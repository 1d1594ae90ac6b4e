/** Copies the audit events of every function's log to its own log, which is stored for a year. It has no access to any resource. */
import { copyAuditEvents, type SubscriptionEvent } from '../telemetry/index.ts';

export const handler = (event: SubscriptionEvent): Promise<void> => {
  copyAuditEvents(event);
  return Promise.resolve();
};
