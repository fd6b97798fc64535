import { EventEmitter } from "node:events";
import type { Socket } from "node:net";

/** As much of a socket as a connection uses; what a node sends is put in by {@link FakeSocket.deliver}. */
export class FakeSocket extends EventEmitter {
  destroyed = false;
  writable = true;
  readableEnded = false;
  readableLength = 0;
  written = "";
  #paused = false;
  #held: Uint8Array[] = [];

  get socket(): Socket {
    return this as unknown as Socket;
  }
  write(part: string | Uint8Array): boolean {
    if (typeof part === "string") this.written += part;
    return true;
  }
  cork(): void {}
  uncork(): void {}
  isPaused(): boolean {
    return this.#paused;
  }
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
    for (const part of this.#held.splice(0)) this.deliver(part);
  }
  unshift(): void {}
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.writable = false;
    queueMicrotask(() => this.emit("close"));
  }
  deliver(part: Uint8Array): void {
    if (this.destroyed) return;
    if (this.#paused) this.#held.push(part);
    else this.emit("data", part);
  }
  /** The node closes its side. */
  end(): void {
    if (this.destroyed) return;
    this.readableEnded = true;
    this.emit("end");
    this.destroy();
  }
}
