/** Writes what is made of a manifest, or finds out whether it has been. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { UpstreamDefinitions } from '../manifest/index.ts';
import { manifestDocuments } from './manifest-documents.ts';

export interface WriteManifestOptions {
  /** Directory for `openapi.json` and `api-routes.md`. */
  readonly out: string;
  /** File for the declarations. @default none are written */
  readonly types?: string | undefined;
  /** Write nothing. @default false */
  readonly check?: boolean;
}

export interface WrittenDocument {
  readonly file: string;
  /** Whether the file was missing or had another content. */
  readonly stale: boolean;
}

/**
 * Writes a manifest's documents. Files that are right already are left alone.
 *
 * @param upstreams - checked
 */
export function writeManifest(
  upstreams: UpstreamDefinitions,
  { out, types, check = false }: WriteManifestOptions,
): readonly WrittenDocument[] {
  const documents = manifestDocuments(upstreams);
  const files: readonly (readonly [file: string, content: string])[] = [
    [join(out, 'openapi.json'), documents.openApi],
    [join(out, 'api-routes.md'), documents.routes],
    ...(types === undefined ? [] : [[types, documents.types] as const]),
  ];
  return files.map(([file, content]) => {
    const stale = !existsSync(file) || readFileSync(file, 'utf8') !== content;
    if (stale && !check) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
    return { file, stale };
  });
}
