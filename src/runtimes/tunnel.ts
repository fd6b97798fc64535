import type { Duplex } from "node:stream";
import type { ByteTunnel } from "../net/inbound.ts";

/** Bytes that are held for a side that does not read. */
const BUFFER = 64 * 1024;

/**
 * A socket as a pair of web streams. Reading stops when nobody takes the bytes, and a write waits until the socket has taken it, so that
 * two tunnels piped into one another hold at the most some 100 kB between them. A readable that errors, or a writable that is
 * aborted, means that the connection was cut and not ended.
 */
export function socketTunnel(socket: Duplex): ByteTunnel {
  let ended = false;
  let failure: Error | undefined;
  let wake: (() => void) | undefined;
  const fail = (error?: Error) => {
    failure ??= error ?? new Error("The connection was closed");
    if (!ended) {
      ended = true;
      try {
        source.error(failure);
      } catch {
        // Cancelled before.
      }
    }
    wake?.();
  };
  let source!: ReadableStreamDefaultController<Uint8Array>;
  const readable = new ReadableStream<Uint8Array>({
    start(controller) {
      source = controller;
    },
    pull() {
      socket.resume();
    },
    cancel() {
      ended = true;
      // The other side takes no more: nothing that arrives now could be delivered.
      socket.destroy();
    },
  }, { highWaterMark: BUFFER, size: (chunk) => chunk?.byteLength ?? 0 });
  const writable = new WritableStream<Uint8Array>({
    write(chunk) {
      if (failure !== undefined) throw failure;
      if (socket.write(chunk)) return;
      return new Promise((resolve, reject) => {
        wake = () => {
          wake = undefined;
          if (failure === undefined) resolve();
          else reject(failure);
        };
      });
    },
    close() {
      socket.end();
    },
    abort() {
      socket.destroy();
    },
  }, { highWaterMark: 1 });
  socket.on("data", (chunk: Uint8Array) => {
    if (ended) return;
    source.enqueue(chunk);
    if ((source.desiredSize ?? 0) <= 0) socket.pause();
  });
  socket.on("end", () => {
    if (ended) return;
    ended = true;
    source.close();
  });
  socket.on("drain", () => wake?.());
  socket.on("error", fail);
  socket.on("close", () => fail());
  return { readable, writable };
}
