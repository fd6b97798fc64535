import type { FrameWriter } from "./frame-writer.ts";
import { CODE, ConnectionError, MOST_WINDOW, WINDOW } from "./protocol.ts";
import type { Stream } from "./stream.ts";

/** What may be received before somebody deals with it. */
export interface ReceiverOptions {
  /** Bytes on one stream. */
  readonly streamWindow: number;
  /** Bytes on all streams; undefined: as much as they take together. */
  readonly window: number | undefined;
}

/** Lets the other side send as much as is dealt with (RFC 9113 section 5.2). */
export class Receiver {
  readonly #writer: FrameWriter;
  readonly #options: ReceiverOptions;
  /** What may still be sent on the connection. */
  #left: number;
  /** Dealt with, but not given back yet. */
  #owed = 0;

  constructor(writer: FrameWriter, options: ReceiverOptions) {
    this.#writer = writer;
    this.#options = options;
    this.#left = options.window ?? MOST_WINDOW;
    writer.window(0, this.#left - WINDOW);
  }

  /** Bytes have come on the connection. @throws {ConnectionError} where that is more than was allowed. */
  take(bytes: number): void {
    this.#left -= bytes;
    if (this.#left < 0) throw new ConnectionError(CODE.flowControl, "More DATA than the connection's window");
  }

  /** Bytes of those are a stream's, and wait for somebody. @returns False where that is more than was allowed on it. */
  hold(stream: Stream, bytes: number): boolean {
    if (this.#options.window === undefined) this.giveBack(bytes);
    else stream.unread += bytes;
    stream.receiveWindow -= bytes;
    return stream.receiveWindow >= 0;
  }

  /** Somebody has dealt with bytes of a stream. */
  consumed(stream: Stream, bytes: number): void {
    const { window, streamWindow } = this.#options;
    if (window !== undefined) {
      stream.unread -= bytes;
      this.giveBack(bytes);
    }
    stream.owed += bytes;
    if (stream.remoteEnded || stream.owed * 2 < streamWindow) return;
    this.#writer.window(stream.id, stream.owed);
    stream.receiveWindow += stream.owed;
    stream.owed = 0;
  }

  /** Nobody will deal with what a stream still holds. */
  forget(stream: Stream): void {
    if (stream.unread > 0) this.giveBack(stream.unread);
  }

  /** So many bytes more may be sent on the connection; said for many at a time. */
  giveBack(bytes: number): void {
    const { window, streamWindow } = this.#options;
    this.#owed += bytes;
    if (this.#owed * 2 < (window ?? streamWindow)) return;
    this.#writer.window(0, this.#owed);
    this.#left += this.#owed;
    this.#owed = 0;
  }
}
