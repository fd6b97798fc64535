import type { Context, Next } from "hono";
import { errorResponse } from "../errors.ts";
import { indexOf } from "../net/header-list.ts";
import { parseHost } from "../net/host.ts";
import type { Inbound } from "../net/inbound.ts";
import { createPathNormalizer } from "../net/path.ts";
import { checkHead, type HeadLimits } from "../net/request-policy.ts";
import { bufferBody } from "./body-buffer.ts";
import { fromListener, inboundOf } from "./inbound.ts";
import type { GlobalRules } from "./global-rules.ts";
import { type Answer, RequestView } from "./request-view.ts";
import type { RouteTable } from "./table.ts";

export interface DispatchOptions {
  readonly table: RouteTable;
  readonly globalRules: GlobalRules;
  /** Answers what no route takes. */
  readonly notFound: Answer;
  readonly isReady: () => boolean;
  readonly isTrusted: ((address: string) => boolean) | undefined;
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
  const { table, globalRules } = options;

  /** What global rules are around: the route's own answer, or that there is none. */
  const inner: Answer = (c, view) => (view.match?.value.answer ?? options.notFound)(c, view);
  globalRules.around(inner);

  const matched = (c: Context, view: RequestView, next: Next | undefined): Response | Promise<Response | void> => {
    const match = table.match(view);
    if (match === "body") return inspectBody(c, view, next);
    if (match === undefined && next !== undefined) return next();
    view.match = match;
    view.global = globalRules.access;
    return finished(view, (globalRules.chain ?? inner)(c, view));
  };

  const finished = (view: RequestView, answer: Response | Promise<Response>): Response | Promise<Response> =>
    answer instanceof Promise ? answer.then((response) => finish(view, response)) : finish(view, answer);

  const finish = (view: RequestView, response: Response): Response => {
    options.onAnswer?.(view, response);
    return view.answered(response);
  };

  const inspectBody = async (c: Context, view: RequestView, next: Next | undefined): Promise<Response | void> => {
    const { bytes, content } = await bufferBody(view.inbound.body, options.maxInspectedBody);
    view.buffered(bytes, content);
    return await matched(c, view, next);
  };

  return (c: Context, next?: Next): Response | Promise<Response | void> => {
    const request = c.req.raw;
    options.counts.requests++;
    if (!options.isReady()) return next === undefined ? errorResponse("not_ready", 503) : next();
    const inbound = inboundOf(request, c.env);
    const view = toView(request.method, inbound, !fromListener(c.env), options.isTrusted);
    return view instanceof Response ? view : matched(c, view, next);
  };
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
  return new RequestView(inbound, { method, hostField, host, target }, isTrusted);
}
