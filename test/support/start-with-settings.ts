/** A local run whose functions get settings that no option gives: the first argument holds them, as JSON. */
import type { SettingName } from '../../lambdas/settings/index.ts';
import { loadApp } from '../../local/app.ts';
import { parseOptions } from '../../local/cli/options.ts';
import { run } from '../../local/run.ts';

const [settings = '{}', ...args] = process.argv.slice(2);
const options = parseOptions(args, {});
if (options === 'help') process.exit(2);

const stopping = new AbortController();
process.once('SIGTERM', () => {
  stopping.abort();
});
const given = JSON.parse(settings) as Partial<Record<SettingName, string>>;
await run(
  { ...options, settings: { ...options.settings, ...given } },
  stopping.signal,
  await loadApp(process.cwd()),
).catch((error: unknown) => {
  if (!stopping.signal.aborted) throw error;
});
process.exit(0);
