export { createLogger, describeError, type EventName, type Level, type Logger } from './log.ts';
