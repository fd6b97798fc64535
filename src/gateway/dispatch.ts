import type { Context, Next } from "hono";
import { errorResponse } from "../errors.ts";
import { nativeResponse } from "../forward/answer.ts";
import { indexOf } from "../net/header-list.ts";
import { parseHost } from "../net/host.ts";
import type { Inbound, ListenerBindings } from "../net/inbound.ts";
import { createPathNormalizer } from "../net/path.ts";
import { checkHead, type HeadLimits } from "../net/request-policy.ts";
import type { Terminal } from "../pipeline/compose.ts";
import { bufferBody } from "./body-buffer.ts";
import { refuseClient } from "./client-certificates.ts";
import { fromListener, inboundOf } from "./inbound.ts";
import type { GlobalRules } from "./global-rules.ts";
import { type Answer, RequestView } from "./request-view.ts";
import { applyChanges, type ChainParts, fail, runChain } from "./run-chain.ts";
import type { ServerNames } from "./server-certificates.ts";
import type { RouteTable } from "./table.ts";

export interface DispatchOptions {
  readonly table: RouteTable;
  readonly globalRules: GlobalRules;
  readonly parts: ChainParts;
  /** Answers what no route takes. */
  readonly notFound: Answer;
  readonly isReady: () => boolean;
  readonly isTrusted: ((address: string) => boolean) | undefined;
  /** The ssl resources, of which some may demand certificates of clients. */
  readonly names: ServerNames;
  /** Bytes of a body that routes may look into (`post_arg_*`, `graphql_*`). */
  readonly maxInspectedBody: number;
  /** Counts what comes in. */
  readonly counts: { requests: number };
  /** Takes note of every answer, as its head is about to be sent. */
  readonly onAnswer: ((view: RequestView, response: Response) => void) | undefined;
}

/** A host application's own server has read the head within its own bounds. */
const NO_LIMITS: HeadLimits = { headerBytes: 0, headerCount: 0 };

const normalize = createPathNormalizer();

/**
 * Makes the request path: finds a request's route and lets it answer.
 *
 * @returns A function that answers, or passes a request that no route takes to `next`; without `next` that is 404.
 */
export function createDispatch(options: DispatchOptions) {
  const { table, globalRules, parts } = options;

  /** What global rules are around: the route's own answer, or that there is none. */
  const inner: Answer = (c, view) =>
    view.match === undefined ? options.notFound(c, view) : view.match.value.answer(c, view);
  globalRules.around(inner);

  const matched = (c: Context, view: RequestView, next: Next | undefined): Response | Promise<Response | void> => {
    const match = table.match(view);
    if (match === "body") return inspectBody(c, view, next);
    if (match === undefined && next !== undefined) return next();
    view.match = match;
    view.global = globalRules.access;
    const answer = (globalRules.chain ?? inner)(c, view);
    return answer instanceof Promise ? answer.then((response) => finish(view, response)) : finish(view, answer);
  };

  /** A request from a listener, which a view has been made of; undefined where its answer needs Hono's context. */
  const direct = (
    view: RequestView,
    enter: (rest: Terminal) => Promise<Response>,
  ): Response | Promise<Response> | undefined => {
    if (globalRules.chain !== undefined) return undefined;
    const match = table.match(view);
    if (match === undefined || match === "body") return undefined;
    const route = match.value;
    if (route.bare === undefined) return undefined;
    view.match = match;
    view.global = globalRules.access;
    try {
      const answer = route.bare(view, enter);
      if (!(answer instanceof Promise)) return answer && finish(view, applyChanges(answer, view, parts));
      return answer.then(
        (response) => finish(view, applyChanges(response, view, parts)),
        (thrown) => failed(view, thrown),
      );
    } catch (thrown) {
      return failed(view, thrown);
    }
  };

  const failed = (view: RequestView, thrown: unknown): Response =>
    finish(view, applyChanges(fail(thrown, view, parts), view, parts));

  const finish = (view: RequestView, response: Response): Response => {
    options.onAnswer?.(view, response);
    return view.answered(response);
  };

  const inspectBody = async (c: Context, view: RequestView, next: Next | undefined): Promise<Response | void> => {
    const { bytes, content } = await bufferBody(view.inbound.body, options.maxInspectedBody);
    view.buffered(bytes, content);
    return await matched(c, view, next);
  };

  const viewOf = (request: Request, env: unknown): RequestView | Response => {
    options.counts.requests++;
    const listened = fromListener(env);
    const inbound = listened ? env.inbound : inboundOf(request, env);
    const view = toView(request.method, inbound, !listened, options.isTrusted);
    if (inbound.tls === undefined || view instanceof Response) return view;
    return refuseClient(options.names, inbound.tls, view.host, view.path) ?? view;
  };

  return {
    /** Within Hono: what every request can be answered by. */
    handle(c: Context, next?: Next): Response | Promise<Response | void> {
      const env: unknown = c.env;
      if (isViewed(env)) {
        const view = env[VIEW];
        return view.rest === undefined ? matched(c, view, next) : runChain(view.rest, c, view, parts);
      }
      if (!options.isReady()) return next === undefined ? errorResponse("not_ready", 503) : next();
      const view = viewOf(c.req.raw, env);
      if (view instanceof Response) return view;
      const answer = matched(c, view, next);
      if (fromListener(env)) return answer;
      // The host application's own server asks for a Response of the runtime's.
      return answer instanceof Promise ? answer.then(toNative) : nativeResponse(answer);
    },

    /**
     * A request from a listener of gatewatch's own, without Hono where nothing needs it.
     *
     * @param otherwise Answers within Hono, with the bindings that it is given.
     */
    serve(
      request: Request,
      bindings: ListenerBindings,
      otherwise: (request: Request, bindings: object) => Response | Promise<Response>,
    ): Response | Promise<Response> {
      if (!options.isReady()) {
        options.counts.requests++;
        return errorResponse("not_ready", 503);
      }
      const view = viewOf(request, bindings);
      if (view instanceof Response) return view;
      const within = () => otherwise(request, { inbound: bindings.inbound, [VIEW]: view });
      const enter = (rest: Terminal): Promise<Response> => {
        view.rest = rest;
        return Promise.resolve(within());
      };
      return direct(view, enter) ?? within();
    },
  };
}

const toNative = (response: Response | void): Response | void => response && nativeResponse(response);

/** Where the view of a request is that has been looked at before Hono was asked. */
const VIEW = Symbol("view");

function isViewed(env: unknown): env is { readonly [VIEW]: RequestView } {
  return typeof env === "object" && env !== null && VIEW in env;
}

/** The request as it is matched, or the answer to one that cannot be. */
function toView(
  method: string,
  inbound: Inbound,
  unchecked: boolean,
  isTrusted: DispatchOptions["isTrusted"],
): RequestView | Response {
  if (unchecked) {
    const head = checkHead(method, inbound.target, inbound.headers, NO_LIMITS);
    if (!head.ok) return errorResponse(head.code, head.status);
  }
  const at = indexOf(inbound.headers, "host", 0);
  const hostField = at < 0 ? "" : inbound.headers[at + 1]!;
  const host = parseHost(hostField);
  const target = normalize(inbound.target);
  if (host === undefined || target === undefined) return errorResponse("bad_request", 400);
  return new RequestView(inbound, { method, hostField, host, target }, isTrusted, !unchecked);
}
