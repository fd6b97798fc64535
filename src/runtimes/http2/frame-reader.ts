import { Buffer } from "node:buffer";
import { CODE, ConnectionError, FRAME_HEAD, MAX_FRAME } from "./protocol.ts";

/** Hears of a frame; the payload is a view into what was read. */
export type OnFrame = (type: number, flags: number, stream: number, payload: Buffer) => void;

const NONE: Buffer = Buffer.alloc(0);

/** Cuts what comes over a connection into frames, whatever pieces it comes in. Holds at the most one frame. */
export class FrameReader {
  readonly #onFrame: OnFrame;
  /** The part of a frame that has come. */
  #held: Buffer = NONE;

  constructor(onFrame: OnFrame) {
    this.#onFrame = onFrame;
  }

  /** @throws {ConnectionError} where a frame is larger than was announced, and what the listener throws. */
  take(bytes: Buffer): void {
    let at = 0;
    while (this.#held.byteLength > 0 && at < bytes.byteLength) {
      const held = this.#held.byteLength;
      const whole = held < FRAME_HEAD ? FRAME_HEAD : FRAME_HEAD + lengthOf(this.#held, 0);
      const end = Math.min(bytes.byteLength, at + whole - held);
      this.#held = Buffer.concat([this.#held, bytes.subarray(at, end)]);
      at = end;
      if (this.#held.byteLength < FRAME_HEAD) return;
      if (this.#held.byteLength < FRAME_HEAD + lengthOf(this.#held, 0)) continue;
      const frame = this.#held;
      this.#held = NONE;
      this.#tell(frame, 0, frame.byteLength);
    }
    while (bytes.byteLength - at >= FRAME_HEAD) {
      const end = at + FRAME_HEAD + lengthOf(bytes, at);
      if (end > bytes.byteLength) break;
      this.#tell(bytes, at, end);
      at = end;
    }
    // A copy: the view would pin the whole of what was read with it.
    if (at < bytes.byteLength) this.#held = Buffer.from(bytes.subarray(at));
  }

  #tell(bytes: Buffer, at: number, end: number): void {
    // The first bit of a stream's number is reserved.
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.#onFrame(bytes[at + 3]!, bytes[at + 4]!, stream, bytes.subarray(at + FRAME_HEAD, end));
  }
}

function lengthOf(bytes: Buffer, at: number): number {
  const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
  if (length > MAX_FRAME) throw new ConnectionError(CODE.frameSize, `Frame of ${length} bytes`);
  return length;
}
