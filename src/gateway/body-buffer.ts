/** What was read of a body, and how to send all of it on. */
export interface BufferedBody {
  /** All of it; null where there is none, or more than the limit. */
  readonly bytes: Uint8Array | null;
  readonly content: ReadableStream<Uint8Array> | Uint8Array | null;
}

/**
 * Reads a body for routes that look into it. A body of more than `limit` bytes is not looked at, and goes on as a stream, from its first
 * byte.
 */
export async function bufferBody(body: ReadableStream<Uint8Array> | null, limit: number): Promise<BufferedBody> {
  if (body === null) return { bytes: null, content: null };
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    size += value.byteLength;
    if (size > limit) return { bytes: null, content: resume(chunks, reader) };
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return { bytes, content: bytes };
}

function resume(chunks: Uint8Array[], reader: ReadableStreamDefaultReader<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const held = chunks.shift();
      if (held !== undefined) {
        controller.enqueue(held);
        return;
      }
      const { done, value } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
}
