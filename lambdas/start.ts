/** What every function does before its first request: read its settings, open its log, warm up. */
import { untilAborted, withDeadline } from './common/index.ts';
import {
  functionSettings,
  readSettings,
  SettingsError,
  type EventFunctionName,
  type FunctionName,
  type FunctionSettings,
  type SettingName,
  type Settings,
} from './settings/index.ts';
import { createLogger, describeError, type Logger } from './telemetry/index.ts';

/**
 * @param names - of the settings that the function reads; those of every deployment are known by its name
 * @returns the function's settings, checked, and its log
 * @throws SettingsError: a function that is set up wrongly does not start
 */
export function startFunction<Name extends FunctionName>(
  name: Name,
  names: readonly SettingName[] = functionSettings[name as Exclude<Name, EventFunctionName>],
): { settings: FunctionSettings<Name>; log: Logger } {
  try {
    const settings = readSettings(names, process.env) as FunctionSettings<Name> &
      Settings<'LOG_LEVEL' | 'METRICS_NAMESPACE'>;
    const { LOG_LEVEL: level, METRICS_NAMESPACE: namespace } = settings;
    return { settings, log: createLogger({ functionName: name, level, namespace }) };
  } catch (error) {
    if (error instanceof SettingsError) {
      createLogger({ functionName: name, level: 'error' })('settings_invalid', { problems: error.problems });
    }
    throw error;
  }
}

const maxWarmUpMs = 1_500;

/**
 * Does now, with the extra processor time of a start, what the first request would otherwise wait for. The time is limited,
 * and a failure is only logged: what is unavailable may be back when a request comes.
 */
export async function warmUp(
  { settings, log }: { settings: { readonly WARM_UP: 'on' | 'off' }; log: Logger },
  work: readonly ((signal: AbortSignal) => Promise<unknown>)[],
): Promise<void> {
  if (settings.WARM_UP === 'off') return;
  const startedAt = performance.now();
  const results = await withDeadline(maxWarmUpMs, (signal) =>
    untilAborted<readonly PromiseSettledResult<unknown>[] | undefined>(
      signal,
      () => Promise.allSettled(work.map((step) => step(signal))),
      () => undefined,
    ),
  );
  const failed = results?.find((result) => result.status === 'rejected');
  log('warm_up', {
    durationMs: Math.round(performance.now() - startedAt),
    failed: results === undefined ? 'too slow' : failed && describeError(failed.reason).error,
  });
}
