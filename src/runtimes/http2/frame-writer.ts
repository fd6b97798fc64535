import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { FLAG, FRAME, FRAME_HEAD } from "./protocol.ts";

/** Bytes up to which frames are joined for one write: to copy so few costs less than the writes. */
const JOINED = 64 * 1024;

/**
 * Writes frames. What is written in one turn goes out together at its end: a server answers several requests of one packet so, with one call of the
 * system's.
 */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #free: () => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #blocked = false;

  /** @param free Called when more can be sent after it could not, but for what the socket's own `drain` tells. */
  constructor(socket: Socket, free: () => void) {
    this.#socket = socket;
    this.#free = free;
  }

  /** Whether more should wait, since the other side takes nothing. */
  get blocked(): boolean {
    return this.#blocked || this.#bytes > JOINED;
  }

  /** Bytes that the socket has not been given yet. */
  get waiting(): number {
    return this.#bytes;
  }

  /** The socket takes more. */
  drained(): void {
    this.#blocked = false;
  }

  raw(bytes: Uint8Array): void {
    if (this.#parts.length === 0) queueMicrotask(() => this.flush());
    this.#parts.push(bytes);
    this.#bytes += bytes.byteLength;
  }

  frame(type: number, flags: number, stream: number, payload: Uint8Array): void {
    this.raw(head(payload.byteLength, type, flags, stream));
    if (payload.byteLength > 0) this.raw(payload);
  }

  /** @param settings Numbers and values by turns. */
  settings(settings: readonly number[]): void {
    const payload = Buffer.alloc(settings.length * 3);
    for (let i = 0; i + 1 < settings.length; i += 2) {
      payload.writeUInt16BE(settings[i]!, i * 3);
      payload.writeUInt32BE(settings[i + 1]!, i * 3 + 2);
    }
    this.frame(FRAME.settings, 0, 0, payload);
  }

  window(stream: number, bytes: number): void {
    this.#number(FRAME.window, stream, bytes);
  }

  reset(stream: number, code: number): void {
    this.#number(FRAME.reset, stream, code);
  }

  goAway(last: number, code: number, why = ""): void {
    const payload = Buffer.alloc(8 + why.length);
    payload.writeUInt32BE(last, 0);
    payload.writeUInt32BE(code, 4);
    payload.write(why, 8, "latin1");
    this.frame(FRAME.goAway, 0, 0, payload);
  }

  /** A header block, in as many frames as it takes. */
  headers(stream: number, block: Uint8Array, end: boolean, maxFrame: number): void {
    let at = Math.min(block.byteLength, maxFrame);
    const flags = end ? FLAG.endStream : 0;
    const whole = at === block.byteLength;
    this.frame(FRAME.headers, whole ? flags | FLAG.endHeaders : flags, stream, block.subarray(0, at));
    while (at < block.byteLength) {
      const next = Math.min(block.byteLength, at + maxFrame);
      const last = next === block.byteLength;
      this.frame(FRAME.continuation, last ? FLAG.endHeaders : 0, stream, block.subarray(at, next));
      at = next;
    }
  }

  flush(): void {
    const parts = this.#parts, bytes = this.#bytes;
    if (parts.length === 0) return;
    this.#parts = [];
    this.#bytes = 0;
    const socket = this.#socket;
    if (socket.destroyed || !socket.writable) return;
    if (bytes <= JOINED || parts.length === 1) {
      if (!socket.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes))) this.#blocked = true;
    } else {
      socket.cork();
      for (const part of parts) if (!socket.write(part)) this.#blocked = true;
      socket.uncork();
    }
    if (bytes > JOINED && !this.#blocked) this.#free();
  }

  #number(type: number, stream: number, value: number): void {
    const bytes = Buffer.allocUnsafe(FRAME_HEAD + 4);
    writeHead(bytes, 4, type, 0, stream);
    bytes.writeUInt32BE(value, FRAME_HEAD);
    this.raw(bytes);
  }
}

function head(length: number, type: number, flags: number, stream: number): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEAD);
  writeHead(bytes, length, type, flags, stream);
  return bytes;
}

function writeHead(bytes: Buffer, length: number, type: number, flags: number, stream: number): void {
  bytes[0] = length >> 16;
  bytes[1] = length >> 8;
  bytes[2] = length;
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
}
