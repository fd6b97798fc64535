import type { Address, Inbound, InboundTls } from "../../net/inbound.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { ClientWatch } from "../client-watch.ts";
import type { ExchangeConnection } from "../http1/exchange.ts";
import type { RequestBody } from "./request-body.ts";

/** One request, as the application sees it. */
export class Exchange extends ClientWatch implements Inbound {
  readonly method: string;
  readonly target: string;
  readonly faithful = true;
  readonly headers: RawHeaders;
  readonly peer: Address;
  readonly localPort: number;
  readonly secure: boolean;
  readonly tls: InboundTls | undefined;
  readonly #body: RequestBody | undefined;

  constructor(
    method: string,
    target: string,
    headers: RawHeaders,
    connection: ExchangeConnection,
    body: RequestBody | undefined,
  ) {
    super();
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.peer = connection.peer;
    this.localPort = connection.localPort;
    this.secure = connection.secure;
    this.tls = connection.tls;
    this.#body = body;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.#body === undefined ? null : this.#body.readable;
  }

  override clientGone(): void {
    this.#body?.gone();
    super.clientGone();
  }
}
