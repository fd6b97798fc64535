import type { Address, Inbound, InboundTls, UpgradeHook } from "../../net/inbound.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { ClientWatch } from "../client-watch.ts";
import type { ConnectionFacts, RequestHead } from "./request-head.ts";
import type { RequestBody } from "./request-body.ts";

/** What an exchange asks its connection for. */
export interface ExchangeConnection {
  readonly peer: Address;
  readonly localPort: number;
  readonly secure: boolean;
  readonly tls: InboundTls | undefined;
}

/** One request, as the application sees it; what costs something is made when it is asked for. */
export class Exchange extends ClientWatch implements Inbound {
  readonly method: string;
  readonly target: string;
  readonly faithful = true;
  readonly headers: RawHeaders;
  readonly http10: boolean;
  /** The connection is to end with the answer. */
  readonly close: boolean;
  readonly facts: ConnectionFacts;
  readonly requestBody: RequestBody | undefined;
  readonly upgrade?: UpgradeHook;
  readonly #connection: ExchangeConnection;

  /** @param target In origin form. */
  constructor(
    { method, http10, headers }: RequestHead,
    target: string,
    facts: ConnectionFacts,
    connection: ExchangeConnection,
    requestBody: RequestBody | undefined,
    upgrade: UpgradeHook | undefined,
  ) {
    super();
    this.method = method;
    this.target = target;
    this.headers = headers;
    this.http10 = http10;
    this.facts = facts;
    this.close = facts.close || http10 && !facts.keepAlive;
    this.requestBody = requestBody;
    this.#connection = connection;
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

  get tls(): InboundTls | undefined {
    return this.#connection.tls;
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.requestBody === undefined ? null : this.requestBody.stream;
  }

  override clientGone(): void {
    this.requestBody?.gone();
    super.clientGone();
  }
}
