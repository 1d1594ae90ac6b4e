import { everyFunction, everySession, type functionSettings } from './functions.ts';
import type { SettingName, Settings } from './rules.ts';

/**
 * The settings of the functions for session events, which only some deployments have. In a file of its own, so that it is not in
 * other bundles.
 */
export const eventFunctionSettings = {
  'session-events': [...everyFunction, ...everySession, 'BASE_URL', 'EDGE_SECRET'],
  'session-end-events': [...everyFunction],
} as const satisfies Record<string, readonly SettingName[]>;

type AllSettings = typeof functionSettings & typeof eventFunctionSettings;
export type EventFunctionName = keyof typeof eventFunctionSettings;
export type FunctionName = keyof AllSettings;
export type FunctionSettings<Name extends FunctionName> = Settings<AllSettings[Name][number]>;
