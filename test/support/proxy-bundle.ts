/** The proxy's bundle with a manifest beside it, as the infrastructure deploys it. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { upstreams } from '../../bff.config.ts';
import { manifestFileName, manifestFileText } from '../../lambdas/api/manifest-file.ts';

const bundle = join(import.meta.dirname, '../../build/lambdas/api-proxy');

/**
 * @param manifest - what stands in the file; null for none
 * @returns the folder's `index.mjs`, and what removes the folder
 */
export function proxyBundle(manifest: string | null = manifestFileText(upstreams)): {
  file: string;
  remove: () => void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'cis2-bff-proxy-'));
  cpSync(bundle, directory, { recursive: true });
  if (manifest !== null) writeFileSync(join(directory, manifestFileName), manifest);
  return { file: join(directory, 'index.mjs'), remove: () => rmSync(directory, { recursive: true }) };
}
