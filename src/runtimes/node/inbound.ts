import type { IncomingMessage, ServerResponse } from "node:http";
import type { Address, Inbound, UpgradeHook } from "../../net/inbound.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { ClientWatch } from "../client-watch.ts";
import { bodyStream } from "./body.ts";
import type { Connection } from "./connection.ts";

/** What is known of a request over `node:http`; what costs something is made when it is asked for. */
export class NodeInbound extends ClientWatch implements Inbound {
  readonly target: string;
  readonly faithful = true;
  readonly headers: RawHeaders;
  readonly upgrade?: UpgradeHook;
  readonly #incoming: IncomingMessage;
  readonly #connection: Connection;
  readonly #bodyLimits: BodyLimits;
  #hasBody: boolean;
  #body: ReadableStream<Uint8Array> | undefined;

  constructor(
    target: string,
    incoming: IncomingMessage,
    connection: Connection,
    hasBody: boolean,
    bodyLimits: BodyLimits,
    upgrade?: UpgradeHook,
  ) {
    super();
    this.target = target;
    this.headers = incoming.rawHeaders;
    this.#incoming = incoming;
    this.#connection = connection;
    this.#hasBody = hasBody;
    this.#bodyLimits = bodyLimits;
    if (upgrade !== undefined) this.upgrade = upgrade;
  }

  get peer(): Address {
    return this.#connection.peer;
  }

  get localPort(): number {
    return this.#connection.localPort;
  }

  get secure(): boolean {
    return this.#connection.secure;
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (!this.#hasBody) return null;
    const { bytes, timeout, begin } = this.#bodyLimits;
    return this.#body ??= bodyStream(this.#incoming, bytes, timeout, begin);
  }
}

export interface BodyLimits {
  readonly bytes: number;
  readonly timeout: number;
  /** Called before the first read. */
  readonly begin: (() => void) | undefined;
}

/** A response that has been written to, or not; for the types of `node:http` only. */
export type Outgoing = ServerResponse<IncomingMessage>;
