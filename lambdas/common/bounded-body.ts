/** A body is larger than its limit. */
export class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** Reads a whole body. @throws TooLarge, or the error of the stream */
export async function readBounded(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new TooLarge(`more than ${String(maxBytes)} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}
