import { type Context, Hono } from "hono";
import { KINDS } from "../config/kinds.ts";
import type { ExplainRequest, GatewayExplanation } from "../gateway/explain.ts";
import type { GatewayStatus } from "../gateway/status.ts";
import type { KeyStatus } from "../store/key-status.ts";
import type { UpstreamSnapshot } from "../upstream/upstream.ts";
import { answerAccept, type HeldDeletes } from "./control-accept.ts";
import { answerExplain } from "./control-explain.ts";
import { loopbackHost } from "./control-guard.ts";
import { readKeyFilter } from "./control-keys.ts";
import { answerWait } from "./control-wait.ts";
import { parseKind } from "./kind-name.ts";

/** What the control API asks of a gateway; a `Gateway` is one. */
export interface ControlledGateway {
  status(): GatewayStatus;
  /** Every key that is not plainly active. */
  keys(): readonly KeyStatus[];
  upstreams(): readonly UpstreamSnapshot[];
  /** @throws GatewayError where the request would be refused before it is matched. */
  explain(request: ExplainRequest): Promise<GatewayExplanation>;
}

export interface ControlOptions {
  readonly gateway: ControlledGateway;
  readonly version: string;
  readonly runtime: { readonly name: string; readonly version: string };
  /** Whether the process is on its way out: then it is no longer ready, so that a load balancer turns away from it. */
  readonly draining: () => boolean;
  /** Whether it is bound to loopback: see {@link loopbackHost}. */
  readonly loopback: boolean;
  /** What `GET /metrics` answers with; absent where there are no metrics. */
  readonly metrics?: () => Response;
  /** Mass deletes that are held back, where the source holds them. */
  readonly deletes?: HeldDeletes;
  /** Further fields of `GET /status`: what the process around the gateway knows (addresses, connections). */
  readonly facts?: () => Readonly<Record<string, unknown>>;
}

/** Keys listed in `GET /status`; `GET /status/keys` lists more. */
const STATUS_KEYS = 100;

/**
 * The control API: what this process is doing, for probes, operators and the command line. It changes no configuration and asks for no key, so that
 * it belongs on loopback or a private network.
 *
 * - `GET /live`: 200 for as long as the process answers at all
 * - `GET /ready`: 200 once the first full list of resources is applied, 503 with the reason before that and while draining; `degraded` where
 *   what is served may be out of date
 * - `GET /status`: everything at a glance; `GET /status/keys`: every key with something to say, by `state`, `kind`, `limit`
 * - `GET /schema/KIND`: the JSON Schema of a kind's stored value; `GET /schema`: of all
 * - `GET /metrics`: for Prometheus
 * - `GET /upstreams`: every upstream's nodes, whether they are in use and why
 * - `GET /wait`: 200 once a revision of the store is served here, as after a write to the Admin API
 * - `POST /accept?revision=N`: serves the revision whose deletes are held back
 * - `POST /explain`: why a request would go where it goes
 */
export function createControl(options: ControlOptions): Hono {
  const { gateway } = options;
  const started = Date.now();
  const app = new Hono();
  if (options.loopback) app.use(loopbackHost());
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });

  const paths = new Map<string, readonly string[]>();
  const get = (path: string, answer: (c: Context) => Response | Promise<Response>) => {
    paths.set(path, ["GET", "HEAD"]);
    app.get(path, answer);
  };

  get("/live", (c) => c.json({ live: true }));
  get("/ready", (c) => {
    const { ready, reason } = gateway.status();
    if (options.draining()) return c.json({ ready: false, reason: "draining: this process is about to end" }, 503);
    if (ready) return c.json(isDegraded(gateway.status()) ? { ready: true, degraded: true, reason } : { ready: true });
    return c.json({ ready: false, reason: reason ?? "the first list of resources is not applied yet" }, 503);
  });
  get("/status", (c) => {
    const keys = gateway.keys();
    return c.json({
      version: options.version,
      runtime: options.runtime,
      startedAt: new Date(started).toISOString(),
      uptimeMs: Date.now() - started,
      draining: options.draining(),
      ...gateway.status(),
      degraded: isDegraded(gateway.status()),
      ...(options.deletes === undefined ? {} : { held: options.deletes.held() ?? null }),
      ...options.facts?.(),
      rejected: page(keys.filter((key) => key.state !== "active"), STATUS_KEYS),
    });
  });
  get("/status/keys", (c) => {
    const filter = readKeyFilter(c.req.query());
    if ("error_msg" in filter) return c.json(filter, 400);
    const { state, kind, limit } = filter;
    const found = gateway.keys().filter((key) =>
      (state === undefined || key.state === state) && (kind === undefined || key.kind === kind)
    );
    return c.json(page(found, limit));
  });
  get("/schema", async (c) => {
    const { jsonSchema } = await import("../config/schemas.ts");
    return c.json(Object.fromEntries(KINDS.map((kind) => [kind, jsonSchema(kind)])));
  });
  get("/schema/:kind", async (c) => {
    const name = c.req.param("kind") ?? "";
    const kind = parseKind(name);
    if (kind === undefined) return c.json({ error_msg: `Unknown kind "${name}"`, kinds: KINDS }, 404);
    const { jsonSchema } = await import("../config/schemas.ts");
    return c.json(jsonSchema(kind));
  });
  const { metrics } = options;
  if (metrics !== undefined) get("/metrics", () => metrics());
  get("/upstreams", (c) => c.json({ upstreams: gateway.upstreams() }));
  get("/wait", (c) => answerWait(c, () => gateway.status().revision));
  paths.set("/explain", ["POST"]);
  const { deletes } = options;
  if (deletes !== undefined) {
    paths.set("/accept", ["POST"]);
    app.post("/accept", (c) => answerAccept(c, deletes));
  }
  app.post("/explain", (c) => answerExplain(c, gateway.explain));

  for (const [path, methods] of paths) {
    app.all(path, (c) => {
      c.header("allow", methods.join(", "));
      return c.json({ error_msg: `Cannot ${c.req.method} ${c.req.path}: it takes ${methods.join(", ")}` }, 405);
    });
  }
  app.notFound((c) => c.json({ error_msg: `Nothing is at ${c.req.path}`, paths: [...paths.keys()] }, 404));
  app.onError((_, c) => c.json({ error_msg: "Internal Server Error" }, 500));
  return app;
}

/** Whether it serves what may be out of date: a snapshot, or what was known before etcd was lost, or deletes are held back. */
function isDegraded({ ready, source }: GatewayStatus): boolean {
  return ready && source.state !== "synced";
}

/** As many as fit, and how many there are. */
function page<T>(items: readonly T[], limit: number): { total: number; keys: readonly T[] } {
  return { total: items.length, keys: items.slice(0, limit) };
}
