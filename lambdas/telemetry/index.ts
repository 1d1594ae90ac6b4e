export { copyAuditEvents, type SubscriptionEvent } from './audit.ts';
export { createLogger, describeError, type Level, type Logger } from './log.ts';
export { createMetrics, type MetricName, type Metrics, type RequestMetric } from './metrics.ts';
