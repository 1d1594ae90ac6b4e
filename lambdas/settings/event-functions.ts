import { everyFunction, everySession, type functionSettings } from './functions.ts';
import type { SettingName, Settings } from './rules.ts';

/**
 * Which settings each function reads that is only there where ends of sessions are pushed to pages. In a file of its own, so that no
 * other bundle has it.
 */
export const eventFunctionSettings = {
  'session-events': [...everyFunction, ...everySession, 'BASE_URL', 'EDGE_SECRET'],
  'session-end-events': [...everyFunction],
} as const satisfies Record<string, readonly SettingName[]>;

type AllSettings = typeof functionSettings & typeof eventFunctionSettings;
export type EventFunctionName = keyof typeof eventFunctionSettings;
export type FunctionName = keyof AllSettings;
export type FunctionSettings<Name extends FunctionName> = Settings<AllSettings[Name][number]>;
