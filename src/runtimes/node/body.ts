import type { IncomingMessage } from "node:http";
import { GatewayError } from "../../errors.ts";
import { Deadline } from "../../net/deadline.ts";

/** Bytes of a request that are held for an upstream that does not take them. */
const BUFFER = 64 * 1024;

/**
 * The body of a request as a web stream. It takes from the client only what somebody reads, and errors with a {@link GatewayError}:
 * `body_too_large`, `bad_request` (408) when the client stalls, `client_gone`.
 *
 * @param limit Bytes; 0 = none.
 * @param timeout Milliseconds between two reads; 0 = none.
 * @param begin Called before the first read (`100 Continue`).
 */
export function bodyStream(
  incoming: IncomingMessage,
  limit: number,
  timeout: number,
  begin: (() => void) | undefined,
): ReadableStream<Uint8Array> {
  let source!: ReadableStreamDefaultController<Uint8Array>;
  let bytes = 0;
  let over = false;
  const end = (error?: GatewayError): void => {
    if (over) return;
    over = true;
    deadline.dispose();
    if (error === undefined) source.close();
    else source.error(error);
  };
  const deadline = new Deadline(() => {
    end(new GatewayError("bad_request", 408, `Read of the request's body: nothing received for ${timeout} ms`));
  });
  const gone = (): void =>
    end(new GatewayError("client_gone", 499, "The client ended the connection within its request"));
  incoming.on("data", (chunk: Uint8Array) => {
    if (over) return;
    bytes += chunk.byteLength;
    if (limit > 0 && bytes > limit) {
      return end(new GatewayError("body_too_large", 413, `Request body of more than ${limit} bytes`));
    }
    source.enqueue(chunk);
    if ((source.desiredSize ?? 0) > 0) deadline.set(timeout);
    else {
      deadline.clear();
      incoming.pause();
    }
  });
  incoming.on("end", () => end());
  incoming.on("error", gone);
  incoming.on("close", gone);
  incoming.pause();
  return new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller;
    },
    pull() {
      begin?.();
      begin = undefined;
      deadline.set(timeout);
      incoming.resume();
    },
    cancel() {
      // What is left is taken, and dropped, once the answer has been written: see the listener.
      over = true;
      deadline.dispose();
    },
  }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
}
