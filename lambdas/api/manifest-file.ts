/**
 * The manifest as a file beside the proxy's code. It is checked when it is defined, and not again when a function starts:
 * the digest says that it is still what was checked.
 */
import { BffError, sha256 } from '../common/index.ts';
import type { UpstreamDefinitions } from './manifest-types.ts';

/** Its name, beside the function's index file. */
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
 * @param text - what stands in the file
 * @throws ManifestUnusable for anything but what {@link manifestFileText} made
 */
export function readManifestFile(text: string): UpstreamDefinitions {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ManifestUnusable(`${manifestFileName} is not JSON`);
  }
  const { format: found, digest, upstreams } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (found !== format)
    throw new ManifestUnusable(`${manifestFileName} is of another format than ${String(format)}`);
  if (typeof upstreams !== 'object' || upstreams === null || digest !== sha256(JSON.stringify(upstreams))) {
    throw new ManifestUnusable(`${manifestFileName} is not what was checked when it was made`);
  }
  return upstreams as UpstreamDefinitions;
}
