import { type Context, Hono } from "hono";
import { refusePage } from "../../admin/control-accept.ts";
import { isFromPage, loopbackHost } from "../../admin/control-guard.ts";
import type { MetricsMerger } from "../../observe/merge-metrics.ts";
import { writeHead, writeSample } from "../../pipeline/metrics.ts";
import type { ControlAnswer } from "../control-client.ts";
import type { Fleet } from "./fleet.ts";
import type { Worker } from "./worker.ts";

export interface FleetControlOptions {
  readonly fleet: Fleet;
  readonly metrics: MetricsMerger;
  readonly draining: () => boolean;
  readonly loopback: boolean;
  /** Further fields of `GET /status`. */
  readonly facts: () => Readonly<Record<string, unknown>>;
}

/** Longest wait of `GET /wait`, with time to answer, in milliseconds. */
const WAIT_MS = 65_000;

/** The counter of requests: see {@link MetricsMerger.sum}. */
const REQUESTS = "apisix_http_requests_total";

/** What one worker's status says that counts for all. */
export interface WorkerStatus {
  readonly ready?: boolean;
  readonly degraded?: boolean;
  readonly revision?: number | null;
  readonly keys?: Readonly<Record<string, number>>;
}

/**
 * The control API of several processes that serve alike. They are asked when it is asked:
 *
 * - `GET /ready`: 200 while at least one is ready, `degraded` where not all are, or one of them is
 * - `GET /status`: one's status, with the lowest revision of all, the requests that all have had, and a line for each
 * - `GET /metrics`: all of theirs as one: see {@link MetricsMerger}
 * - `GET /wait`, `POST /accept`: all of them
 * - everything else: any of them, since all have the same configuration; health of upstreams is each one's own
 */
export function createFleetControl({ fleet, metrics, draining, loopback, facts }: FleetControlOptions): Hono {
  const app = new Hono();
  if (loopback) app.use(loopbackHost());
  app.use(async (c, next) => {
    await next();
    c.header("cache-control", "no-store");
  });
  app.get("/live", (c) => c.json({ live: true }));
  app.get("/ready", async (c) => {
    if (draining()) return c.json({ ready: false, reason: "draining: this process is about to end" }, 503);
    const answers = await askAll(fleet, "/ready");
    const ready = answers.filter(({ answer }) => answer?.status === 200);
    const bodies = answers.map(({ answer }) => parse(answer));
    const workers = { ready: ready.length, of: fleet.slots.length };
    const reason = bodies.find((body) => typeof body["reason"] === "string")?.["reason"];
    if (ready.length === 0) return c.json({ ready: false, reason: reason ?? "no worker answers", workers }, 503);
    const degraded = workers.ready < workers.of || bodies.some((body) => body["degraded"] === true);
    return c.json({ ready: true, ...(degraded ? { degraded: true, reason } : {}), workers });
  });
  app.get("/status", async (c) => {
    const [answers] = await Promise.all([askAll(fleet, "/status"), readMetrics(fleet, metrics)]);
    const statuses = new Map(answers.map(({ worker, answer }) => [worker, parse(answer) as WorkerStatus]));
    const one = [...statuses.values()].find(({ ready }) => ready) ?? [...statuses.values()][0] ?? {};
    return c.json({
      ...one,
      revision: lowestRevision([...statuses.values()]),
      degraded: [...statuses.values()].some(({ degraded }) => degraded === true),
      requests: metrics.sum(REQUESTS),
      draining: draining(),
      ...facts(),
      workers: fleet.slots.map(({ number, worker, restarts, lastExit }) => {
        const status = worker === undefined ? undefined : statuses.get(worker);
        return {
          number,
          pid: worker?.exit === undefined ? worker?.pid : null,
          ready: status?.ready ?? false,
          revision: status?.revision ?? null,
          restarts,
          lastExit: lastExit ?? null,
        };
      }),
    });
  });
  app.get("/metrics", async (c) => {
    await readMetrics(fleet, metrics);
    const restarts = fleet.slots.reduce((sum, slot) => sum + slot.restarts, 0);
    const own = writeHead("gatewatch_workers", "Processes that serve", "gauge") +
      writeSample("gatewatch_workers", "", fleet.workers.length) +
      writeHead("gatewatch_worker_restarts_total", "Processes that crashed and were replaced", "counter") +
      writeSample("gatewatch_worker_restarts_total", "", restarts);
    return c.body(metrics.write() + own, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("/wait", async (c) => {
    const answers = await askAll(fleet, pathOf(c), undefined, WAIT_MS);
    const late = answers.find(({ answer }) => answer?.status !== 200);
    return relay(c, (late ?? answers[0])?.answer);
  });
  app.post("/accept", async (c) => {
    // A worker could not tell: it is asked by this process.
    if (isFromPage(c)) return refusePage(c);
    const answers = await askAll(fleet, pathOf(c), {});
    return relay(c, (answers.find(({ answer }) => answer?.status === 200) ?? answers[0])?.answer);
  });
  app.post("/explain", async (c) => {
    let json: unknown;
    try {
      json = await c.req.json();
    } catch {
      return c.json({ error_msg: "Cannot read the body: write a JSON object" }, 400);
    }
    return relay(c, await askOne(fleet, pathOf(c), json));
  });
  app.get("*", async (c) => relay(c, await askOne(fleet, pathOf(c))));
  app.all("*", (c) => c.json({ error_msg: `Cannot ${c.req.method} ${c.req.path}` }, 405));
  app.onError((_, c) => c.json({ error_msg: "Internal Server Error" }, 500));
  return app;
}

/** Takes up what the workers have counted so far. */
export async function readMetrics(fleet: Fleet, metrics: MetricsMerger): Promise<void> {
  for (const { worker, answer } of await askAll(fleet, "/metrics")) {
    if (answer?.status === 200 && worker.exit === undefined) metrics.update(worker.pid, answer.body);
  }
}

/** The revision that all serve; `null` where one serves none yet. */
export function lowestRevision(statuses: readonly WorkerStatus[]): number | null {
  let lowest: number | null = null;
  for (const { revision } of statuses) {
    if (typeof revision !== "number") return null;
    lowest = lowest === null ? revision : Math.min(lowest, revision);
  }
  return lowest;
}

interface Asked {
  readonly worker: Worker;
  /** Undefined where it did not answer. */
  readonly answer: ControlAnswer | undefined;
}

export function askAll(fleet: Fleet, path: string, json?: unknown, limitMs?: number): Promise<Asked[]> {
  return Promise.all(fleet.workers.map(async (worker) => ({
    worker,
    answer: await worker.ask(path, json, limitMs).catch(() => undefined),
  })));
}

async function askOne(fleet: Fleet, path: string, json?: unknown): Promise<ControlAnswer | undefined> {
  for (const worker of fleet.workers) {
    try {
      return await worker.ask(path, json);
    } catch {
      // The next one may answer.
    }
  }
  return undefined;
}

export function parse(answer: ControlAnswer | undefined): Record<string, unknown> {
  try {
    return JSON.parse(answer?.body ?? "{}") as Record<string, unknown>;
  } catch {
    return {};
  }
}

function relay(c: Context, answer: ControlAnswer | undefined): Response {
  if (answer === undefined) return c.json({ error_msg: "No worker answers" }, 503);
  return new Response(answer.body, { status: answer.status, headers: { "content-type": "application/json" } });
}

function pathOf(c: Context): string {
  const { pathname, search } = new URL(c.req.url);
  return pathname + search;
}
