import {
  type OutboundAnswer,
  type OutboundRequest,
  type Peer,
  type Transport,
  TransportError,
  type TransportErrorCode,
} from "../../src/forward/transport.ts";
import type { RawHeaders } from "../../src/net/raw-headers.ts";
import { concat, type RawConnection, type RawMessage, type RawOrigin, rawOrigin } from "../support/raw.ts";
import assert from "node:assert/strict";

/** What a row of the transports' contract works with. */
export class TransportContext {
  readonly transport: Transport;
  #origins: RawOrigin[] = [];

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** An origin that ends with the row. */
  async origin(
    serve: (connection: RawConnection, index: number) => void | Promise<void>,
    tls?: Parameters<typeof rawOrigin>[1],
  ): Promise<RawOrigin> {
    const origin = await rawOrigin(serve, tls);
    this.#origins.push(origin);
    return origin;
  }

  /** An origin that answers every request alike, and keeps what it was sent. */
  async fixed(answer: string | Uint8Array = OK): Promise<{ origin: RawOrigin; messages: RawMessage[]; peer: Peer }> {
    const messages: RawMessage[] = [];
    const origin = await this.origin(async (connection) => {
      for (;;) {
        const message = await connection.readMessage();
        messages.push(message);
        await connection.write(answer);
      }
    });
    return { origin, messages, peer: peerOf(origin.port) };
  }

  /** Sends one request to an origin of its own that answers so, and returns both messages. */
  async exchange(
    request: Partial<OutboundRequest> = {},
    answer: string | Uint8Array = OK,
  ): Promise<{ sent: RawMessage; answer: OutboundAnswer; body: Uint8Array }> {
    const { messages, peer } = await this.fixed(answer);
    const got = await this.send(peer, request);
    const body = await bytesOf(got);
    return { sent: messages[0]!, answer: got, body };
  }

  send(peer: Peer, request: Partial<OutboundRequest> = {}): Promise<OutboundAnswer> {
    return this.transport.send(outbound(peer, request));
  }

  /** The error of a request that must fail. */
  async failure(promise: Promise<unknown>): Promise<TransportError> {
    try {
      await promise;
    } catch (error) {
      assert.ok(error instanceof TransportError, `not a TransportError: ${error}`);
      return error;
    }
    assert.fail("the request succeeded");
  }

  async fails(promise: Promise<unknown>, code: TransportErrorCode, sent: boolean): Promise<void> {
    const error = await this.failure(promise);
    assert.equal(`${error.code} sent=${error.sent}`, `${code} sent=${sent}`, error.message);
  }

  async end(): Promise<void> {
    for (const origin of this.#origins.splice(0)) await origin.close();
  }
}

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export function peerOf(port: number, more: Partial<Peer> = {}): Peer {
  return { host: "127.0.0.1", port, keepAlive: { size: 320, idleTimeout: 60_000, requests: 1000 }, ...more };
}

export function outbound(peer: Peer, request: Partial<OutboundRequest> = {}): OutboundRequest {
  return {
    peer,
    method: "GET",
    target: "/",
    body: null,
    timeouts: { connect: 5_000, send: 5_000, read: 5_000 },
    signal: new AbortController().signal,
    ...request,
    headers: ["Host", `127.0.0.1:${peer.port}`, ...request.headers ?? []],
  };
}

/** The whole body. Rejects where it was cut. */
export async function bytesOf({ body }: Pick<OutboundAnswer, "body">): Promise<Uint8Array> {
  if (body === null) return new Uint8Array(0);
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  return concat(parts);
}

export function streamOf(body: OutboundAnswer["body"]): ReadableStream<Uint8Array> {
  assert.ok(body instanceof ReadableStream, "the body is not a stream");
  return body;
}

/** A body that comes in parts, each when it is asked for. */
export function parts(...all: (string | Uint8Array)[]): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let next = 0;
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const part = all[next++];
      if (part === undefined) controller.close();
      else controller.enqueue(typeof part === "string" ? encoder.encode(part) : part);
    },
  }, { highWaterMark: 0 });
}

/** A body of that many bytes whose content depends on where it stands, and how much of it has been taken. */
export function generated(
  size: number,
  chunk: number = 64 * 1024,
): { stream: ReadableStream<Uint8Array>; taken: () => number } {
  let at = 0;
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at >= size) return controller.close();
      const length = Math.min(chunk, size - at);
      controller.enqueue(pattern(at, length));
      at += length;
    },
  }, { highWaterMark: 0 });
  return { stream, taken: () => at };
}

/** Bytes of {@link generated} from a place on. */
export function pattern(at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((at + i) * 31 + ((at + i) >> 8)) & 0xff;
  return bytes;
}

export function assertPattern(bytes: Uint8Array, size: number): void {
  assert.equal(bytes.byteLength, size, "length of the body");
  const wanted = pattern(0, size);
  for (let i = 0; i < size; i++) if (bytes[i] !== wanted[i]) assert.fail(`byte ${i} of the body differs`);
}

/** Fields without those that every HTTP/1.1 client has to send. */
export function withoutFraming(headers: RawHeaders): string[] {
  const framing = new Set(["host", "connection", "content-length", "transfer-encoding"]);
  return headers.filter((_, i) => !framing.has(headers[i & ~1]!.toLowerCase()));
}
