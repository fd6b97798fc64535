import { Buffer } from "node:buffer";
import type { RawHeaders } from "../../net/raw-headers.ts";
import type { FrameWriter } from "./frame-writer.ts";
import type { PeerSettings } from "./peer-settings.ts";
import { CODE, ConnectionError, FLAG, FRAME, MOST_WINDOW, WINDOW } from "./protocol.ts";
import type { Stream } from "./stream.ts";

const NONE: Buffer = Buffer.alloc(0);

/** Hears of what is sent. */
export interface SenderUser {
  /** A part of a body was sent. */
  part(): void;
  /** All of a stream's body was sent; its trailers, where there are any, are still to be. */
  end(stream: Stream, trailers: RawHeaders | undefined): void;
}

/** Sends bodies as far as the other side's windows and the socket allow (RFC 9113 section 5.2), in turns where several wait. */
export class Sender {
  readonly #writer: FrameWriter;
  readonly #peer: PeerSettings;
  readonly #user: SenderUser;
  #window: number = WINDOW;
  /** Streams with something that waits, the one that has waited longest first. */
  readonly #waiting: Set<Stream> = new Set();

  constructor(writer: FrameWriter, peer: PeerSettings, user: SenderUser) {
    this.#writer = writer;
    this.#peer = peer;
    this.#user = user;
  }

  /** The other side takes more on the connection. @throws {ConnectionError} where that is too much. */
  widen(bytes: number): void {
    this.#window += bytes;
    if (this.#window > MOST_WINDOW) throw new ConnectionError(CODE.flowControl, "Window over 2^31 - 1");
    this.resume();
  }

  /** Sends what a stream holds. @returns Whether that was all. */
  send(stream: Stream): boolean {
    while (this.#part(stream));
    const waits = waitsFor(stream);
    if (waits) this.#waiting.add(stream);
    return !waits;
  }

  /** Lets every stream that waits send in its turn. */
  resume(): void {
    let moved = true;
    while (moved && this.#waiting.size > 0) {
      moved = false;
      for (const stream of [...this.#waiting]) {
        const before = stream.held;
        this.#part(stream);
        if (stream.held === before && !stream.localEnded) continue;
        moved = true;
        stream.user?.onProgress();
        if (waitsFor(stream)) continue;
        this.#waiting.delete(stream);
        stream.user?.onDrain();
      }
    }
  }

  /** Nothing of a stream is to be sent any more. */
  forget(stream: Stream): void {
    this.#waiting.delete(stream);
  }

  /** Sends one frame. @returns Whether more can follow. */
  #part(stream: Stream): boolean {
    const { held, after } = stream;
    if (stream.closed || stream.localEnded) return false;
    if (held === undefined || held.byteLength === 0) {
      stream.held = undefined;
      if (after === "nothing") return false;
      if (after === "end") this.#writer.frame(FRAME.data, FLAG.endStream, stream.id, NONE);
      this.#user.end(stream, after === "end" ? undefined : after);
      return false;
    }
    const most = Math.min(this.#window, stream.sendWindow, this.#peer.maxFrame);
    if (most <= 0 || this.#writer.blocked) return false;
    const whole = held.byteLength <= most;
    const part = whole ? held : held.subarray(0, most);
    stream.held = whole ? undefined : held.subarray(most);
    const ends = whole && after === "end";
    this.#window -= part.byteLength;
    stream.sendWindow -= part.byteLength;
    this.#user.part();
    this.#writer.frame(FRAME.data, ends ? FLAG.endStream : 0, stream.id, part);
    if (ends) this.#user.end(stream, undefined);
    return true;
  }
}

function waitsFor({ closed, localEnded, held, after }: Stream): boolean {
  return !closed && !localEnded && (held !== undefined || after !== "nothing");
}
