import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { toResponse } from "../../../../src/forward/answer.ts";
import type { Inbound } from "../../../../src/net/inbound.ts";
import { ClientConnection } from "../../../../src/runtimes/http1/connection.ts";
import { Hub } from "../../../../src/runtimes/http1/hub.ts";
import type { ListenerLimits } from "../../../../src/runtimes/listener.ts";

/** A request as the handler has seen it. */
export interface SeenRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly string[];
  /** Undefined where it was not read; `broken` where it never came to its end. */
  readonly body: string | undefined;
}

export const LIMITS: ListenerLimits = {
  headerBytes: 2_000,
  headerCount: 20,
  bodyBytes: 4_000,
  headerTimeout: 0,
  bodyTimeout: 0,
  idleTimeout: 0,
  connections: 0,
};

/** A client over a socket of memory, and what came of its requests. */
export class FakeClient {
  readonly seen: SeenRequest[] = [];
  readonly #socket = new ServerSocket();
  /** Requests that are being answered. */
  #busy = 0;

  constructor() {
    const hub = new Hub({
      host: "",
      port: 0,
      limits: LIMITS,
      handler: ({ method }, inbound) => this.#handle(method, inbound),
    });
    hub.add(new ClientConnection(this.#socket as unknown as Socket, hub));
  }

  /** Statuses of the answers. */
  get statuses(): number[] {
    return [...this.#socket.written.matchAll(/^HTTP\/1\.1 (\d{3}) (?!Continue)/gm)].map((match) => Number(match[1]));
  }

  /** Whether the connection takes no more requests. */
  get closed(): boolean {
    return this.#socket.ended;
  }

  get busy(): boolean {
    return this.#busy > 0;
  }

  send(bytes: Uint8Array): void {
    if (bytes.byteLength > 0) this.#socket.deliver(Buffer.from(bytes));
  }

  leave(): void {
    this.#socket.destroy();
  }

  /** Reads the body of a request, unless its target says not to. */
  #handle(method: string, inbound: Inbound): Response | Promise<Response> {
    const { target, headers, body } = inbound;
    const seen = { method, target, headers: [...headers] };
    if (body === null) {
      this.seen.push({ ...seen, body: "" });
      return answer(200);
    }
    if (target.startsWith("/unread")) {
      this.seen.push({ ...seen, body: undefined });
      return answer(200);
    }
    this.#busy++;
    const at = this.seen.push({ ...seen, body: "broken" }) - 1;
    return textOf(body).then((text) => {
      this.seen[at] = { ...seen, body: text };
      return answer(200);
    }, () => answer(400)).finally(() => this.#busy--);
  }
}

function answer(status: number): Response {
  return toResponse({ status, reason: "X", headers: ["Date", "now"], body: null });
}

async function textOf(body: ReadableStream<Uint8Array>): Promise<string> {
  let text = "";
  for await (const part of body) text += Buffer.from(part).toString("latin1");
  return text;
}

/** As much of a socket as a connection uses. */
class ServerSocket extends EventEmitter {
  destroyed = false;
  writable = true;
  written = "";
  ended = false;
  #paused = false;
  #held: Buffer[] = [];

  write(part: string | Uint8Array): boolean {
    this.written += typeof part === "string" ? part : Buffer.from(part).toString("latin1");
    return true;
  }
  cork(): void {}
  uncork(): void {}
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
    for (let part = this.#held.shift(); part !== undefined; part = this.#held.shift()) {
      this.emit("data", part);
      if (this.#paused) return;
    }
  }
  end(part?: string): void {
    if (part !== undefined) this.write(part);
    this.ended = true;
    this.writable = false;
    this.emit("finish");
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = this.ended = true;
    this.emit("close");
  }
  deliver(part: Buffer): void {
    if (this.destroyed) return;
    if (this.#paused) this.#held.push(part);
    else this.emit("data", part);
  }
}
