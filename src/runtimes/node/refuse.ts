import { type ErrorCode, errorResponse } from "../../errors.ts";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/** Milliseconds that the other side gets to read what was written, and bytes that it may still send, before the connection is cut. */
const LINGER = 2_000, LINGER_BYTES = 64 * 1024 * 1024;

/**
 * Takes, and drops, what is left of a request that was answered before it was read, so that the client can go on with the
 * next one. One that sends on and on is cut.
 */
export function dropRest(incoming: IncomingMessage): void {
  const { socket } = incoming;
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), LINGER);
  incoming.on("data", (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > LINGER_BYTES) socket.destroy();
  });
  incoming.once("end", () => clearTimeout(timer));
  socket.once("close", () => clearTimeout(timer));
  incoming.resume();
}

/**
 * Takes, and drops, what the client is still sending: closing a socket with unread bytes resets it, and the client would lose the
 * answer (RFC 9112 section 9.6).
 */
export function lingeringClose(socket: Duplex): void {
  let bytes = 0;
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.on("data", (chunk: Uint8Array) => {
    bytes += chunk.byteLength;
    if (bytes > LINGER_BYTES) socket.destroy();
  });
  socket.once("end", () => socket.destroy());
  socket.once("close", () => clearTimeout(timer));
  socket.resume();
}

/**
 * Answers with the gateway's own error body on the bare connection, and ends it: for what never became a request, or must not be followed
 * by another one.
 */
export function writeRefusal(socket: Duplex, status: number, code: ErrorCode, method?: string): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  const response = errorResponse(code, status);
  let head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n`;
  for (const [name, value] of response.headers) head += `${name}: ${value}\r\n`;
  void response.text().then((text) => {
    socket.end(`${head}Connection: close\r\n\r\n${method === "HEAD" ? "" : text}`, "latin1");
    lingeringClose(socket);
  });
}
