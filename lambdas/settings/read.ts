import { RuleBroken } from './rule.ts';
import { rules, type SettingName, type Settings } from './rules.ts';

/** Settings that are missing or break their rule: every one of them, by name. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`settings: ${problems.join('; ')}`);
    this.problems = problems;
  }
}

/**
 * Reads settings from environment variables (or from an environment's entry at synth).
 *
 * @param names - the settings wanted
 * @param source - name → text
 * @returns the values, parsed
 * @throws SettingsError naming every setting that is missing or breaks its rule
 */
export function readSettings<Name extends SettingName>(
  names: readonly Name[],
  source: Readonly<Record<string, string | undefined>>,
): Settings<Name> {
  const problems: string[] = [];
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of names) {
    const value = source[name];
    if (value === undefined || value === '') {
      problems.push(`${name} is missing`);
      continue;
    }
    try {
      values[name] = rules[name](value);
    } catch (error) {
      if (!(error instanceof RuleBroken)) throw error;
      problems.push(`${name} ${error.message}`);
    }
  }
  if (problems.length > 0) throw new SettingsError(problems);
  return values as Settings<Name>;
}
