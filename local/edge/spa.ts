import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { existsSync } from 'node:fs';
import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { codeOf, StartError } from '../errors.ts';
import { headerPairs, type GatewayRequest, type GatewayResponse } from './http-api-event.ts';

export interface SpaResponse {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | Readable;
  /** What becomes of the Content-Security-Policy of a deployment. */
  readonly contentSecurityPolicy?: (policy: string) => string;
}

/** Where the files of the single-page app come from. */
export interface Spa {
  /** @param uri - path of the file, still encoded: what the edge makes of the request's */
  get(request: GatewayRequest, uri: string): Promise<SpaResponse>;
  /** Passes a WebSocket on. */
  upgrade?(message: IncomingMessage, socket: Duplex, head: Buffer): void;
}

/**
 * A folder of built files.
 *
 * @throws StartError when there is no app in it
 */
export function builtSpa(root: string): Spa {
  if (!existsSync(root))
    throw new StartError(`there is no folder ${root}: build the page first, or give another --spa`);
  if (!existsSync(path.join(root, 'index.html'))) {
    throw new StartError(`there is no index.html in ${root}: build the page first, or give another --spa`);
  }
  return {
    get: ({ rawHeaders }, uri) => {
      const tags = headerPairs(rawHeaders).find(([name]) => name.toLowerCase() === 'if-none-match');
      return spaFile(root, uri, tags?.[1]);
    },
  };
}

const contentTypes: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.css': 'text/css; charset=utf-8',
  '.eot': 'application/vnd.ms-fontobject',
  '.gif': 'image/gif',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.otf': 'font/otf',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webm': 'video/webm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
};

/** The file that a path names, or undefined when it names none inside the root. */
function fileOf(root: string, uri: string): string | undefined {
  let key: string;
  try {
    key = decodeURIComponent(uri);
  } catch {
    return undefined;
  }
  // As in a bucket, a path is a name and nothing else: it has no way up, no drive and no second separator.
  const segments = key.split('/').slice(1);
  if (/[\0\\:]/.test(key) || segments.some((segment) => segment === '' || /^\.+$/.test(segment)))
    return undefined;
  return path.join(root, ...segments);
}

const immutable = 'public, max-age=31536000, immutable';

const missing = new Set(['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG']);

const readIfThere = (file: string): Promise<Buffer | undefined> =>
  readFile(file).catch((error: unknown) => {
    if (missing.has(codeOf(error) ?? '')) return undefined;
    throw error;
  });

/**
 * A file of the single-page app, as its bucket would give it.
 *
 * @param root - folder of the built app
 * @param uri - path of the file, still encoded
 * @param ifNoneMatch - the tag of what the browser has
 */
async function spaFile(root: string, uri: string, ifNoneMatch: string | undefined): Promise<GatewayResponse> {
  const file = fileOf(root, uri);
  const body = file === undefined ? undefined : await readIfThere(file);
  if (file === undefined || body === undefined) {
    return {
      status: 404,
      headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' },
      body: Buffer.from('Not found\n'),
    };
  }
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
  // As a team uploads them: a file with a hash in its name carries its own long life, and a missing one does not.
  const headers = { etag, 'cache-control': uri.startsWith('/assets/') ? immutable : 'no-cache' };
  if (ifNoneMatch?.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)) {
    return { status: 304, headers, body: Buffer.alloc(0) };
  }
  const contentType = contentTypes[path.extname(file).toLowerCase()] ?? 'application/octet-stream';
  return { status: 200, headers: { 'content-type': contentType, ...headers }, body };
}
