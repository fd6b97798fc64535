import { GatewayError } from "../errors.ts";

/** Bytes of an unwanted body that are read to its end, since to break it off would cost the node's connection. */
const DRAIN_BYTES = 64 * 1024;

/** Names of content codings as `DecompressionStream` knows them. */
const FORMATS: Readonly<Record<string, string>> = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate", br: "brotli" };

/** Whether a Response of that status must not have a body (Fetch standard, "null body status"). */
export function isBodiless(status: number): boolean {
  return status === 204 || status === 205 || status === 304 || status === 101;
}

/** Lets go of a body that nobody wants. Never rejects. */
export async function discardBody(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (let left = DRAIN_BYTES; left > 0;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= value.byteLength;
    }
    await reader.cancel();
  } catch {
    // It broke off, which is as well.
  }
}

/**
 * Reads a body whole, its content coding undone.
 *
 * @param limit Most bytes, before and after decoding.
 * @throws {GatewayError} `bad_answer` (502), where it is longer, breaks off, or is coded as this runtime cannot decode.
 */
export async function readDecoded(
  body: ReadableStream<Uint8Array>,
  coding: string | null,
  limit: number,
): Promise<Uint8Array> {
  const names = (coding ?? "").toLowerCase().split(",").map((name) => name.trim());
  let decoded = body;
  for (const name of names.reverse()) {
    if (name === "" || name === "identity") continue;
    const decoder = decoderOf(name);
    if (decoder === undefined) {
      void discardBody(body);
      throw new GatewayError("bad_answer", 502, `The body cannot be changed as its content coding is '${name}'`);
    }
    decoded = decoded.pipeThrough(decoder);
  }
  return await readAll(decoded, limit);
}

/** Those of the content codings that a request accepts which {@link readDecoded} can undo; undefined where there are none. */
export function decodable(accepted: string): string | undefined {
  const kept = accepted.split(",").map((part) => part.trim()).filter((part) => {
    const name = part.split(";", 1)[0]!.trim().toLowerCase();
    return name === "identity" || decoderOf(name) !== undefined;
  });
  return kept.length === 0 ? undefined : kept.join(", ");
}

function decoderOf(name: string): ReadableWritablePair<Uint8Array, Uint8Array> | undefined {
  const format = FORMATS[name];
  if (format === undefined) return undefined;
  try {
    return new DecompressionStream(format as CompressionFormat) as ReadableWritablePair<Uint8Array, Uint8Array>;
  } catch {
    // Not every runtime has Brotli.
    return undefined;
  }
}

async function readAll(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      size += value.byteLength;
      if (size > limit) break;
    }
  } catch (cause) {
    throw new GatewayError("bad_answer", 502, "The body that was to be changed broke off, or cannot be decoded", {
      cause,
    });
  }
  if (size > limit) {
    reader.cancel().catch(() => {});
    throw new GatewayError("bad_answer", 502, `The body that was to be changed is longer than ${limit} bytes`);
  }
  if (chunks.length === 1) return chunks[0]!;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
