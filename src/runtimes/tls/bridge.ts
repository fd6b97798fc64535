import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";

/**
 * Whether sockets are handed to a `tls.Server` behind a stream. On Deno a `TLSSocket` that is paused goes on reading from the socket beneath it, and
 * holds all that comes: whoever sends fast what nobody takes would fill the memory. Behind a stream the socket can be paused by us.
 */
export const BRIDGED: boolean = "Deno" in globalThis;

/** A socket as a plain stream. @param held What was read of it already. */
export function bridge(socket: Socket, held: Uint8Array): Duplex {
  const stream = new Duplex({
    read() {},
    write(bytes: Uint8Array, _encoding, done) {
      socket.write(bytes, (error) => done(error ?? null));
    },
    final(done) {
      socket.end(() => done());
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  stream.push(held);
  socket.on("data", (bytes: Uint8Array) => void stream.push(bytes));
  socket.once("end", () => stream.push(null));
  socket.once("close", () => stream.destroy());
  socket.resume();
  return stream;
}

/** Lets a TLS socket over a {@link bridge} pause the socket beneath, and say whose it is. */
export function crossBridge(secured: TLSSocket, socket: Socket): void {
  const pause = secured.pause.bind(secured), resume = secured.resume.bind(secured);
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  Object.defineProperties(secured, {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: remotePort },
    localAddress: { value: localAddress },
    localPort: { value: localPort },
    // Not by the events of the same name: Deno emits `resume` where nobody resumed.
    pause: {
      value: () => {
        socket.pause();
        return pause();
      },
    },
    resume: {
      value: () => {
        socket.resume();
        return resume();
      },
    },
  });
}
