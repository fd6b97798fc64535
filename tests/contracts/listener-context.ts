import assert from "node:assert/strict";
import { toResponse } from "../../src/forward/answer.ts";
import type { OutboundAnswer } from "../../src/forward/transport.ts";
import type { Inbound } from "../../src/net/inbound.ts";
import type { Listen, Listener, ListenerHandler, ListenerLimits } from "../../src/runtimes/listener.ts";
import { concat, rawConnect, type RawConnection, type RawMessage } from "../support/raw.ts";

/** Bounds that no row reaches unless it sets its own. */
export const LIMITS: ListenerLimits = {
  headerBytes: 16 * 1024,
  headerCount: 100,
  bodyBytes: 0,
  headerTimeout: 20_000,
  bodyTimeout: 20_000,
  idleTimeout: 20_000,
  connections: 0,
};

/** A request as the handler has seen it. */
export interface Seen {
  readonly request: Request;
  readonly inbound: Inbound;
}

/** A listener under test, and what its handler has seen. */
export interface Served {
  readonly listener: Listener;
  readonly port: number;
  readonly seen: Seen[];
  connect(): Promise<RawConnection>;
  /** Connects, writes, and reads one answer. */
  ask(text: string | Uint8Array, method?: string): Promise<RawMessage>;
}

/** What a row of the listeners' contract works with. */
export class ListenerContext {
  readonly listen: Listen;
  /** Whether clients connect with TLS. */
  readonly secure: boolean;
  readonly #listeners: Listener[] = [];
  readonly #clients: RawConnection[] = [];
  readonly #connect: (port: number) => Promise<RawConnection>;

  /** @param connect How clients connect. */
  constructor(listen: Listen, connect: (port: number) => Promise<RawConnection> = rawConnect) {
    this.listen = listen;
    this.secure = connect !== rawConnect;
    this.#connect = connect;
  }

  /** A listener that ends with the row. */
  async serve(handler: ListenerHandler = ok, limits: Partial<ListenerLimits> = {}): Promise<Served> {
    const seen: Seen[] = [];
    const listener = await this.listen({
      host: "127.0.0.1",
      port: 0,
      limits: { ...LIMITS, ...limits },
      handler(request, inbound) {
        seen.push({ request, inbound });
        return handler(request, inbound);
      },
    });
    this.#listeners.push(listener);
    const { port } = listener.address;
    const connect = async (): Promise<RawConnection> => {
      const client = await this.#connect(port);
      this.#clients.push(client);
      return client;
    };
    return {
      listener,
      port,
      seen,
      connect,
      async ask(text, method) {
        const client = await connect();
        void client.write(text);
        return await client.readMessage(method);
      },
    };
  }

  /** A listener whose every answer is this one of a node. */
  answering(answer: Partial<OutboundAnswer>): Promise<Served> {
    return this.serve(() => nodeAnswer(answer));
  }

  async end(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy();
    for (const listener of this.#listeners.splice(0)) await listener.close(0);
  }
}

/** A Response as forwarding makes it. */
export function nodeAnswer(answer: Partial<OutboundAnswer>): Response {
  return toResponse({ status: 200, reason: "OK", headers: [], body: null, ...answer });
}

export function ok(): Response {
  return new Response("ok");
}

/** The request's body as `inbound` has it. */
export async function bodyOf({ body }: Pick<Inbound, "body">): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  if (body !== null) { for await (const part of body) parts.push(part); }
  return concat(parts);
}

/** Answers with what came. */
export async function echo(_request: Request, inbound: Inbound): Promise<Response> {
  return new Response(await bodyOf(inbound) as Uint8Array<ArrayBuffer>);
}

export function get(target = "/", ...fields: string[]): string {
  return `GET ${target} HTTP/1.1\r\nHost: gate.test\r\n${fields.map((field) => `${field}\r\n`).join("")}\r\n`;
}

export function post(body: string, ...fields: string[]): string {
  const head = fields.map((field) => `${field}\r\n`).join("");
  return `POST / HTTP/1.1\r\nHost: gate.test\r\nContent-Length: ${body.length}\r\n${head}\r\n${body}`;
}

/** Asserts that a request was answered with this status and never reached the handler. */
export async function refused(served: Served, text: string, statuses: readonly number[]): Promise<void> {
  const client = await served.connect();
  await client.write(text);
  let status = 0;
  try {
    status = statusOf(await client.readMessage());
  } catch (error) {
    // Closed without a word is a refusal too.
    if (client.end === "open") throw error;
  }
  assert.equal(served.seen.length, 0, "the request reached the handler");
  assert.ok(status === 0 || statuses.includes(status), `it was answered with ${status}`);
  // What follows on the connection could be the rest of the refused request.
  await client.write(get("/smuggled"));
  await Promise.race([client.ended(3_000).catch(() => {}), new Promise((resolve) => setTimeout(resolve, 100))]);
  assert.equal(served.seen.length, 0, "what came after it reached the handler");
}

export function statusOf(message: Pick<RawMessage, "startLine">): number {
  return Number(message.startLine.split(" ")[1]);
}
