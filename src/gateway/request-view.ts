import type { Attempt, Exchange } from "../forward/exchange.ts";
import type { VariableSource } from "../match/request-parts.ts";
import { RequestVariables } from "../match/request-variables.ts";
import type { MatchRequest } from "../match/route.ts";
import { type Client, clientOf } from "../net/forwarded.ts";
import { HeaderList } from "../net/header-list.ts";
import { forwardableRequest } from "../net/hop-by-hop.ts";
import type { Inbound } from "../net/inbound.ts";
import type { NormalizedTarget } from "../net/path.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { ConsumerFacts, PluginExchange, RouteFacts, UpstreamRequest } from "../pipeline/context.ts";

/** What a request's head was found to be before it is matched. */
export interface RequestHead {
  readonly method: string;
  /** The Host field as received. */
  readonly hostField: string;
  /** Lower case, without port. */
  readonly host: string;
  readonly target: NormalizedTarget;
}

/**
 * One request, as the matcher, the variables and the forwarder each see it. What costs something and is not always needed is made when
 * it is asked for.
 */
export class RequestView implements MatchRequest, VariableSource, Exchange, PluginExchange {
  readonly inbound: Inbound;
  readonly method: string;
  readonly hostField: string;
  readonly host: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly client: Client;
  readonly attempts: Attempt[] = [];
  /** Set once the route is found. */
  route: RouteFacts | undefined;
  websocket = false;
  /** Set by authentication plugins. */
  consumer: ConsumerFacts | undefined;
  /** The body for variables: undefined until it was buffered, null where there is none or it is too large. */
  body: Uint8Array | null | undefined;
  #content: Exchange["content"] | undefined;
  #variables: RequestVariables | undefined;
  #request: UpstreamRequest | undefined;

  constructor(inbound: Inbound, head: RequestHead, isTrusted: ((address: string) => boolean) | undefined) {
    this.inbound = inbound;
    this.method = head.method;
    this.hostField = head.hostField;
    this.host = head.host;
    this.path = head.target.matchPath;
    this.query = head.target.query;
    this.client = clientOf(inbound, isTrusted);
  }

  get target(): string {
    return this.inbound.target;
  }
  get headers(): RawHeaders {
    return this.inbound.headers;
  }
  get address(): string {
    return this.client.address;
  }
  get remoteAddress(): string {
    return this.client.address;
  }
  get remotePort(): number {
    return this.inbound.peer.port;
  }
  get peerAddress(): string {
    return this.inbound.peer.address;
  }
  get localPort(): number {
    return this.inbound.localPort;
  }
  get secure(): boolean {
    return this.inbound.secure;
  }

  get variables(): RequestVariables {
    return this.#variables ??= new RequestVariables(this);
  }

  readonly variable = (name: string): string | undefined => this.variables.text(name);

  get request(): UpstreamRequest {
    return this.#request ??= {
      method: this.method,
      target: this.inbound.target,
      headers: new HeaderList(forwardableRequest(this.inbound.headers)),
    };
  }

  get content(): Exchange["content"] {
    return this.#content === undefined ? this.inbound.body : this.#content;
  }

  /** Takes up what was read of the body to match it. */
  buffered(body: Uint8Array | null, content: Exchange["content"]): void {
    this.body = body;
    this.#content = content;
  }

  /** What variables tell that is not in the request. */
  fact(name: string): string | undefined {
    switch (name) {
      case "route_id":
        return this.route?.id;
      case "route_name":
        return this.route?.name;
      case "service_id":
        return this.route?.serviceId;
      case "consumer_name":
        return this.consumer?.username;
      case "consumer_group_id":
        return this.consumer?.groupId;
      case "balancer_ip":
        return this.attempts.at(-1)?.node.replace(/:\d+$/, "");
      default:
        return undefined;
    }
  }
}
