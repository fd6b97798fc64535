import { isAddress } from "../config/addresses.ts";
import { quote } from "../config/issue.ts";
import { GatewayError } from "../errors.ts";
import type { Explanation } from "../match/explanation.ts";
import { parseHost } from "../net/host.ts";
import type { Inbound } from "../net/inbound.ts";
import { createPathNormalizer } from "../net/path.ts";
import { checkHead } from "../net/request-policy.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { PluginPhase } from "../pipeline/plugin.ts";
import type { NodeExplanation, Upstream } from "../upstream/upstream.ts";
import { type ChainLink, mergePlugins } from "./chain.ts";
import type { Failure, RouteEntry } from "./entry.ts";
import type { GlobalRules } from "./global-rules.ts";
import { inTurns } from "./in-turns.ts";
import { targetOf } from "./inbound.ts";
import { RequestView } from "./request-view.ts";
import type { RouteTable } from "./table.ts";

/** A request to be explained; it is not sent anywhere. */
export interface ExplainRequest {
  readonly method: string;
  /** `http://host/path?query`. A path alone is taken with the host of `headers`. */
  readonly url: string;
  /** Name and value in turn. */
  readonly headers?: readonly string[];
  /** The client's address. Default: `127.0.0.1`. */
  readonly from?: string;
  /** For routes that look into the body. */
  readonly body?: string;
}

/** A plugin that would run. Its configuration is not shown: it may hold what nobody should see. */
export interface ExplainedPlugin {
  readonly name: string;
  /** The resource that it comes from, as in `service/2`. */
  readonly from: string;
  readonly phase: PluginPhase;
  readonly priority: number;
  /** Whether `_meta.filter` decides per request. */
  readonly filtered: boolean;
}

/** Where the request would be sent, before any plugin chooses otherwise. */
export interface ExplainedUpstream {
  /** As in `upstream/1` or `route/7`. */
  readonly id: string;
  readonly nodes: readonly NodeExplanation[];
}

/** Why a request goes where it goes, from the route to the node. */
export interface GatewayExplanation {
  /** The revision of the configuration that was asked. */
  readonly revision: number | null;
  readonly routing: Explanation;
  /** In the order in which they run; without those that a consumer adds, who is not known yet. */
  readonly plugins: readonly ExplainedPlugin[];
  readonly upstream: ExplainedUpstream | null;
  /** What the gateway itself would answer; null where an upstream would. */
  readonly answer: { readonly status: number; readonly code: string; readonly message: string } | null;
}

export interface ExplainParts {
  readonly table: RouteTable;
  readonly catalogue: Catalogue;
  readonly globalRules: Pick<GlobalRules, "layers" | "refusal">;
  readonly revision: () => number | undefined;
  readonly isTrusted: ((address: string) => boolean) | undefined;
}

const normalize = createPathNormalizer();

/**
 * Explains a request: the same match as for one that is served, told step by step. It tells of the configuration at the time of the call, all of it of
 * the same; to look for routes that are near goes on in turns with everything else, since there may be many.
 *
 * @throws {GatewayError} `bad_request`, where the request is one that the gateway answers with 400 before it is matched, or `from` is no
 * address.
 */
export async function explainRequest(request: ExplainRequest, parts: ExplainParts): Promise<GatewayExplanation> {
  const view = toView(request, parts);
  // Begun first, and awaited last: what stands between sees the same configuration.
  const routing = inTurns(parts.table.explain(view));
  const match = parts.table.match(view);
  const { layers, refusal } = parts.globalRules;
  const entry = match === undefined || match === "body" ? undefined : match.value.entry;
  const open = refusal === undefined && entry?.refusal === undefined ? entry : undefined;
  const plugins = [
    // Who is refused by the global rules has been asked nothing.
    ...mergePlugins(layers, parts.catalogue).filter(({ phase }) => refusal === undefined || phase !== "access"),
    ...open?.links ?? [],
  ].sort(byPhase).map(toPlugin);
  const upstream = open?.target;
  const revision = parts.revision() ?? null;
  const told = {
    plugins,
    upstream: upstream === undefined || "status" in upstream ? null : toUpstream(upstream, view),
    answer: refusal === undefined ? toAnswer(entry, view) : shown(refusal),
  };
  return { revision, routing: await routing, ...told };
}

function toView(
  { method, url, headers = [], from = "127.0.0.1", body }: ExplainRequest,
  parts: ExplainParts,
): RequestView {
  // Plugins and routes that look at the address take it for one.
  if (!isAddress(from)) {
    throw new GatewayError("bad_request", 400, `from is ${quote(from, 64)}, which is no IP address`);
  }
  const target = targetOf(url);
  const authority = /^[a-z]+:\/\/([^/?#]*)/i.exec(url)?.[1];
  const named = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === "host");
  const raw = named || authority === undefined ? headers : ["Host", authority, ...headers];
  const head = checkHead(method, target, raw, { headerBytes: 0, headerCount: 0 });
  if (!head.ok) throw new GatewayError(head.code, head.status, head.message);
  const host = parseHost(head.host), normal = normalize(head.target);
  if (host === undefined) throw new GatewayError("bad_request", 400, "The Host field is not valid");
  if (normal === undefined) throw new GatewayError("bad_request", 400, "The path is not valid");
  const secure = url.toLowerCase().startsWith("https:");
  const inbound: Inbound = {
    target: head.target,
    faithful: true,
    headers: raw,
    peer: { address: from, port: 0 },
    localPort: Number(/:(\d+)$/.exec(authority ?? "")?.[1] ?? (secure ? 443 : 80)),
    secure,
    body: null,
    signal: new AbortController().signal,
  };
  const view = new RequestView(inbound, { method, hostField: head.host, host, target: normal }, parts.isTrusted, false);
  view.buffered(body === undefined ? null : new TextEncoder().encode(body), null);
  return view;
}

/** The global rules decide on access after the route has rewritten; within a phase they come first. */
function byPhase(a: ChainLink, b: ChainLink): number {
  return a.phase === b.phase ? 0 : a.phase === "rewrite" ? -1 : 1;
}

function toPlugin({ name, from, phase, priority, meta }: ChainLink): ExplainedPlugin {
  return { name, from, phase, priority, filtered: meta.filter !== undefined };
}

function toUpstream(upstream: Upstream, view: RequestView): ExplainedUpstream {
  return { id: upstream.id, nodes: upstream.explainPick({ key: view.variable, host: view.hostField }) };
}

function toAnswer(entry: RouteEntry | undefined, view: RequestView): GatewayExplanation["answer"] {
  if (entry === undefined) return { status: 404, code: "route_not_found", message: "No route takes the request" };
  if (entry.refusal !== undefined) return shown(entry.refusal);
  if ("status" in entry.target) return shown(entry.target);
  if (!toUpstream(entry.target, view).nodes.some(({ picked }) => picked)) {
    return { status: 503, code: "no_healthy_node", message: "The upstream has no node that can be picked" };
  }
  return null;
}

function shown({ status, code, message }: Failure): { status: number; code: string; message: string } {
  return { status, code, message };
}
