/** The browsers that the demo is built for, and how to make the one at hand as poor as the oldest of them. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import demo from '../../demo/vite.config.ts';

/** Browser → its oldest version that the demo is built for, as `vite.config.ts` says. */
export const oldest: ReadonlyMap<string, string> = new Map(
  ['chrome', 'edge', 'firefox', 'safari'].map((name) => {
    const target = [demo.build?.target ?? []].flat().find((entry) => entry && entry.startsWith(name));
    if (typeof target !== 'string') throw new Error(`vite.config.ts does not name the oldest ${name}`);
    return [name, target.slice(name.length)];
  }),
);

const isAtMost = (version: string, limit: string): boolean => {
  const [[major = 0, minor = 0], [maxMajor = 0, maxMinor = 0]] = [version, limit].map((text) =>
    text.replace('≤', '').split('.').map(Number),
  ) as [number[], number[]];
  return major < maxMajor || (major === maxMajor && minor <= maxMinor);
};

/** The part of the `web-features` data that is used here: a feature's members, and since when each browser has them. */
interface FeatureData {
  readonly status?: {
    readonly by_compat_key?: Readonly<
      Record<string, { readonly support: Readonly<Record<string, string | undefined>> }>
    >;
  };
}

const { features } = JSON.parse(
  readFileSync(createRequire(import.meta.url).resolve('web-features/data.json'), 'utf8'),
) as { readonly features: Readonly<Record<string, FeatureData>> };

/** Keys such as `api.URL.parse_static` of all that one of the oldest browsers lacks. */
export const newerFeatures: readonly string[] = Object.values(features).flatMap(({ status }) =>
  Object.entries(status?.by_compat_key ?? {}).flatMap(([key, { support }]) =>
    [...oldest].every(([name, limit]) => {
      const since = support[name];
      return since !== undefined && isAtMost(since, limit);
    })
      ? []
      : [key],
  ),
);

/** Takes from a page, before its scripts run, the functions and properties of these keys; what else they name stays. */
export const withoutFeatures = (
  keys: readonly string[],
): string => `for (const key of ${JSON.stringify(keys)}) {
  const [, isGlobal, owner, member] = /^(?:api|javascript\\.builtins)\\.(?:(\\w+)|(\\w+)\\.(\\w+))$/.exec(key) ?? [];
  if (isGlobal !== undefined) delete globalThis[isGlobal];
  if (owner === undefined) continue;
  const constructor = globalThis[owner];
  if (constructor === undefined || constructor === null) continue;
  const name = member.replace(/_static$/, '');
  // The data does not tell a static member of the language from another.
  if (member !== name || key.startsWith('javascript.')) delete constructor[name];
  if (member === name) delete constructor.prototype?.[name];
  if (owner === 'Window') delete globalThis[name];
}`;
