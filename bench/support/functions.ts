/** The settings and the bundling that the measurements of the functions share. */
import { join } from 'node:path';
import { build, type BuildOptions } from 'esbuild';
import { settingValues } from '../../infra/parts/settings.ts';

const root = join(import.meta.dirname, '../..');

/** The settings of the functions, with resources that do not exist. */
export const settingsOf = (
  behaviour: Pick<Parameters<typeof settingValues>[0], 'issuer' | 'logLevel' | 'warmUp'>,
): Readonly<Record<string, string>> =>
  settingValues(
    { production: false, baseUrl: 'https://app.example.nhs.uk', clientId: 'bench', ...behaviour },
    {
      SESSION_TABLE: 'none',
      PUBLISHED_KEYS_TABLE: 'none',
      SIGNING_KEYS_SECRET: 'none',
      API_PLATFORM_KEYS_SECRET: 'none',
      KEY_RING_NAME: 'none',
      API_PLATFORM_CREDENTIALS_SECRET: 'none',
      IDENTIFIER_KEY_SECRET: 'none',
      EDGE_SECRET: 'none',
    },
  );

/** Bundles source text that may import what this project can. @param more - options for esbuild, besides the usual ones */
export async function bundleSource(outfile: string, source: string, more: BuildOptions = {}): Promise<void> {
  await build({
    stdin: { contents: source, resolveDir: root },
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    mainFields: ['module', 'main'],
    banner: { js: "import{createRequire as c}from'node:module';const require=c(import.meta.url);" },
    ...more,
  });
}
