export { createLogger, describeError, type Level, type Logger } from './log.ts';
