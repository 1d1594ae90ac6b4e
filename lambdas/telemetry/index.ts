export { copyAuditEvents, type SubscriptionEvent } from './copy-audit-events.ts';
export { createLogger, describeError, logFailure, type Level, type Logger } from './log.ts';
export { createMetrics, type Metrics } from './metrics.ts';
