import type { LogEntry } from '../logs.ts';

/** A member that is text; empty where it is missing or something else. */
export const text = (entry: LogEntry | undefined, name: string): string => {
  const value = entry?.[name];
  return typeof value === 'string' ? value : '';
};
