/**
 * The manifest as a file beside the proxy's code. It is checked when it is defined, and not again when a function starts:
 * the digest shows that it has not changed since.
 */
import { BffError, isObject, parseJson, sha256 } from '../common/index.ts';
import type { UpstreamDefinitions } from './manifest-types.ts';

/** The name of the file, in the folder of the function's index file. */
export const manifestFileName = 'manifest.json';

const format = 1;

/** There is no manifest that this release can use. */
export class ManifestUnusable extends BffError {
  override readonly name = 'ManifestUnusable';
  readonly code = 'manifest_unusable';
}

/** @param upstreams - checked. The same ones give the same text */
export function manifestFileText(upstreams: UpstreamDefinitions): string {
  const text = JSON.stringify(upstreams);
  return `${JSON.stringify({ format, digest: sha256(text), upstreams })}\n`;
}

/**
 * @param text - the content of the file
 * @throws ManifestUnusable unless {@link manifestFileText} made it
 */
export function readManifestFile(text: string): UpstreamDefinitions {
  const value = parseJson(text);
  if (value === undefined) throw new ManifestUnusable(`${manifestFileName} is not JSON`);
  const { format: found, digest, upstreams } = isObject(value) ? value : {};
  if (found !== format)
    throw new ManifestUnusable(`${manifestFileName} is of another format than ${String(format)}`);
  if (!isObject(upstreams) || digest !== sha256(JSON.stringify(upstreams))) {
    throw new ManifestUnusable(`${manifestFileName} is not what was checked when it was made`);
  }
  return upstreams as unknown as UpstreamDefinitions;
}
