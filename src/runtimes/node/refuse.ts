import { type ErrorCode, errorResponse } from "../../errors.ts";
import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Answers on the bare connection and ends it, for what never became a request, or must not be followed by another one.
 *
 * @param headers Flat list; `Content-Length` and `Connection` are added.
 */
export function writeRaw(
  socket: Duplex,
  status: number,
  reason: string,
  headers: readonly string[],
  body: Uint8Array,
): void {
  if (socket.destroyed || !socket.writable) {
    socket.destroy();
    return;
  }
  let head = `HTTP/1.1 ${status} ${reason || (STATUS_CODES[status] ?? "")}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  head += `Content-Length: ${body.byteLength}\r\nConnection: close\r\n\r\n`;
  socket.write(head, "latin1");
  socket.end(body);
  lingeringClose(socket);
}

/** Milliseconds that the other side gets to read what was written, and bytes that it may still send, before the connection is cut. */
const LINGER = 2_000, LINGER_BYTES = 1024 * 1024;

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

const ENCODER = new TextEncoder();

/** Answers with the gateway's own error body. */
export function writeRefusal(socket: Duplex, status: number, code: ErrorCode): void {
  const response = errorResponse(code, status);
  const headers: string[] = [];
  for (const [name, value] of response.headers) headers.push(name, value);
  void response.text().then((text) => writeRaw(socket, status, "", headers, ENCODER.encode(text)));
}
