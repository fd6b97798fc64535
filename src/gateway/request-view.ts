import type { Context } from "hono";
import { followBody } from "../forward/body.ts";
import type { Exchange } from "../forward/exchange.ts";
import type { VariableSource } from "../match/request-parts.ts";
import { RequestVariables } from "../match/request-variables.ts";
import type { MatchRequest, PathParams } from "../match/route.ts";
import { type Client, clientOf } from "../net/forwarded.ts";
import { HeaderList } from "../net/header-list.ts";
import { forwardableRequest } from "../net/hop-by-hop.ts";
import type { Inbound } from "../net/inbound.ts";
import type { NormalizedTarget } from "../net/path.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { Attempt, ExchangeEnd, RouteFacts, UpstreamHandle, UpstreamRequest } from "../pipeline/context.ts";
import type { ConsumerFacts, ConsumerIdentity } from "../pipeline/consumers.ts";
import type { Terminal } from "../pipeline/compose.ts";
import type { AnswerChange, SteppedRequest } from "../pipeline/step.ts";
import type { IndexedConsumer } from "./consumer-index.ts";
import { consumerFields, consumerNames, withoutConsumer } from "./consumer-fields.ts";
import { Ending, tellsLength } from "./ending.ts";
import type { RouteEntry } from "./entry.ts";
import type { GlobalAccess, GlobalState } from "./global-access.ts";
import { type LogLink, runLoggers } from "./log-links.ts";
import type { Match } from "../match/route.ts";

const NO_LOGGERS: readonly LogLink[] = [];

/** A route at work: its entry, and what answers its requests. */
export interface ActiveRoute {
  readonly entry: RouteEntry;
  /** Never rejects. */
  answer(c: Context, view: RequestView): Response | Promise<Response>;
  /** See {@link BareAnswer}; undefined where all requests need Hono's context. */
  readonly bare: BareAnswer | undefined;
}

/** Answers a request. Never rejects. */
export interface Answer {
  (c: Context, view: RequestView): Response | Promise<Response>;
  readonly bare?: BareAnswer;
}

/**
 * Answers a request without Hono's context, which costs something; undefined where the request needs it from the beginning.
 *
 * @param enter Goes on with Hono's context, where it turns out that the rest needs it.
 * @returns Throws or rejects where the answer is that of a failure. What {@link RequestView.changes} says is still to be done to the answer.
 */
export type BareAnswer = (
  view: RequestView,
  enter: (rest: Terminal) => Promise<Response>,
) => Response | Promise<Response> | undefined;

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
export class RequestView implements MatchRequest, VariableSource, Exchange, SteppedRequest, GlobalState {
  readonly inbound: Inbound;
  readonly checked: boolean;
  readonly method: string;
  readonly hostField: string;
  readonly host: string;
  readonly path: string;
  readonly query: string | undefined;
  readonly client: Client;
  readonly attempts: Attempt[] = [];
  gaveUp: string | undefined;
  readonly started: number = performance.now();
  /** Set once the route is found. */
  match: Match<ActiveRoute> | undefined;
  /** Set with it, so that a request ends under the global rules that it began under. */
  global: GlobalAccess | undefined;
  afterGlobal: Terminal | undefined;
  /** Who was authenticated, with the plugins that join the chain. */
  identity: IndexedConsumer | undefined;
  /** The body for variables: undefined until it was buffered, null where there is none or it is too large. */
  body: Uint8Array | null | undefined;
  #content: Exchange["content"] | undefined;
  #variables: RequestVariables | undefined;
  #request: UpstreamRequest | undefined;
  /** What the upstream is told of the consumer, once that is decided. */
  #told: RawHeaders | undefined;
  #headers: RawHeaders | undefined;
  #concealed: Set<string> | undefined;
  /** Those of the route's plugins that hear of requests that are over; set when the chain begins, and when the consumer is known. */
  loggers: readonly LogLink[] = NO_LOGGERS;
  /** What is to be done to the fields of the answer. */
  changes: AnswerChange[] | undefined;
  /** What is left to do, within Hono's context, of a request that began without it. */
  rest: Terminal | undefined;
  #ending: Ending | undefined;

  /** @param checked Whether a listener has looked at the head. */
  constructor(
    inbound: Inbound,
    head: RequestHead,
    isTrusted: ((address: string) => boolean) | undefined,
    checked: boolean,
  ) {
    this.inbound = inbound;
    this.checked = checked;
    this.method = head.method;
    this.hostField = head.hostField;
    this.host = head.host;
    this.path = head.target.matchPath;
    this.query = head.target.query;
    this.client = clientOf(inbound, isTrusted);
  }

  get route(): RouteFacts | undefined {
    return this.match?.value.entry.facts;
  }
  get websocket(): boolean {
    return this.match?.value.entry.websocket ?? false;
  }
  get consumer(): ConsumerFacts | undefined {
    return this.identity?.facts;
  }
  get matchedHost(): string | undefined {
    return this.match?.host;
  }
  get matchedUri(): string | undefined {
    return this.match?.uri;
  }
  get params(): PathParams | undefined {
    return this.match?.params;
  }
  get target(): string {
    return this.inbound.target;
  }
  /** For matching and for variables: as received, except that a variable must not tell of a consumer whom the client made up. */
  get headers(): RawHeaders {
    if (this.#told === undefined) return this.inbound.headers;
    return this.#headers ??= [...withoutConsumer(this.inbound.headers), ...this.#told];
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

  get variable(): (name: string) => string | undefined {
    return (name) => this.variables.text(name);
  }

  get changed(): UpstreamRequest | undefined {
    return this.#request;
  }

  get request(): UpstreamRequest {
    return this.#request ??= {
      method: this.method,
      target: this.inbound.target,
      headers: new HeaderList(forwardableRequest(this.inbound.headers)),
    };
  }

  get content(): Exchange["content"] {
    if (this.#content !== undefined) return this.#content;
    const { body } = this.inbound;
    if (body === null || !this.#logged() || tellsLength(this.inbound)) return body;
    return this.#content = this.#counted(body);
  }

  /** Takes up what was read of the body to match it. */
  buffered(body: Uint8Array | null, content: Exchange["content"]): void {
    this.body = body;
    this.#content = content instanceof ReadableStream ? this.#counted(content) : content;
    if (body !== null && !tellsLength(this.inbound)) this.#end().received = body.byteLength;
  }

  /** A body whose length nothing tells, to be passed on. */
  #counted(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    if (tellsLength(this.inbound)) return body;
    return followBody(body, (_, bytes) => this.#end().received = bytes);
  }

  /** As APISIX `consumer.lua`, attach_consumer; what the client itself sent under these names is replaced. */
  authenticate(identity: ConsumerIdentity): void {
    this.identity = identity as IndexedConsumer;
    this.#tellConsumer(consumerFields(identity.facts));
  }

  /** Arguments of the query that logs must not show. */
  get concealed(): ReadonlySet<string> | undefined {
    return this.#concealed;
  }

  conceal(argument: string): void {
    (this.#concealed ??= new Set()).add(argument);
  }

  /** Takes out of the request what would tell the upstream, or a variable, of a consumer. */
  forgetConsumer(): void {
    this.#tellConsumer([]);
  }

  #tellConsumer(fields: RawHeaders): void {
    const { headers } = this.request;
    for (const name of consumerNames(headers.raw())) headers.delete(name);
    for (let i = 0; i < fields.length; i += 2) headers.set(fields[i]!, fields[i + 1]!);
    this.#told = fields;
    this.#headers = undefined;
  }

  /** The upstream that a plugin chose instead of the route's own. */
  get chosen(): UpstreamHandle | undefined {
    return this.#request?.handle;
  }

  whenDone(callback: (end: ExchangeEnd) => void): void {
    this.#end().add(callback);
  }

  streaming(body: ReadableStream<Uint8Array>): (complete: boolean, bytes: number) => void {
    return this.#end().follow(body);
  }

  tunnelling(): (complete: boolean) => void {
    return this.#end().tunnel();
  }

  /**
   * The answer is on its way to the listener.
   *
   * @returns The answer to send: the same, unless somebody wants to hear of its end, and its body has to be followed for that.
   */
  answered(response: Response): Response {
    if (this.#logged()) {
      this.#end().add((end) => runLoggers(this.global?.loggers ?? NO_LOGGERS, this.loggers, this, end));
    }
    return this.#ending === undefined ? response : this.#ending.answered(response);
  }

  #end(): Ending {
    return this.#ending ??= new Ending(this);
  }

  #logged(): boolean {
    return this.loggers.length > 0 || this.global !== undefined && this.global.loggers.length > 0;
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
      case "balancer_port":
        return /:(\d+)$/.exec(this.attempts.at(-1)?.node ?? "")?.[1];
      case "upstream_addr":
        return this.attempts.at(-1)?.node;
      case "upstream_status":
        return this.attempts.at(-1)?.status?.toString();
      default:
        return undefined;
    }
  }
}
