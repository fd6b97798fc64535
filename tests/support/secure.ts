import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions } from "node:tls";
import { RawConnection } from "./raw.ts";

/**
 * Connects to a port of 127.0.0.1 with TLS, trusting anybody. The client can stop reading and be reset on every runtime: TLS sockets cannot be reset, so that
 * the one beneath is, and Deno's read on while they are paused unless they are over a stream.
 */
export function secureConnect(
  port: number,
  servername: string,
  options: ConnectionOptions = {},
): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    let error: Error | undefined;
    const bridged = "Deno" in globalThis;
    const stream = !bridged ? socket : new Duplex({
      read() {},
      write: (bytes: Uint8Array, _encoding, done) => void socket.write(bytes, () => done()),
      final: (done) => void socket.end(() => done()),
      destroy(reason, done) {
        socket.destroy();
        done(reason);
      },
    });
    if (bridged) {
      socket.on("data", (bytes: Uint8Array) => void stream.push(bytes));
      socket.on("end", () => stream.push(null));
      socket.on("error", (reason) => error = reason);
      socket.on("close", () => stream.destroy(error));
    }
    const secured = connectTls({ socket: stream, servername, rejectUnauthorized: false, ...options });
    secured.once("error", reject);
    secured.once("close", () => reject(new Error("The connection was closed within the handshake")));
    secured.once("secureConnect", () => {
      secured.off("error", reject);
      const pause = secured.pause.bind(secured), resume = secured.resume.bind(secured);
      Object.defineProperties(secured, {
        localPort: { value: socket.localPort },
        resetAndDestroy: { value: () => socket.resetAndDestroy() },
        ...(bridged
          ? {
            pause: { value: () => (socket.pause(), pause()) },
            resume: { value: () => (socket.resume(), resume()) },
          }
          : {}),
      });
      resolve(new RawConnection(secured));
    });
  });
}
