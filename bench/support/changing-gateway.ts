/**
 * A gateway with many routes that can be changed while it serves, for `bench/config.ts`: arguments are its port, its node (`host:port`) and the
 * number of routes. Prints one line of JSON when it serves; then, on standard input, `one` measures a single change and `every N` makes N changes a second
 * (0: none).
 */
import { createInterface } from "node:readline";
import process from "node:process";
import { createGateway } from "../../src/gateway/gateway.ts";
import { listenNode } from "../../src/runtimes/node-http.ts";
import { http1Transport } from "../../src/runtimes/transports/http1.ts";
import { memorySource } from "../../src/sources/memory.ts";

const [port = "0", node = "", count = "50000"] = process.argv.slice(2);
const routes = Number(count);
const content: Record<string, object> = { "upstreams/1": { nodes: { [node]: 1 } } };
for (let i = 0; i < routes; i++) content[`routes/r${i}`] = { uri: `/r/${i}/*`, upstream_id: "1" };
const source = memorySource(content);
const begun = performance.now();
const gateway = createGateway({ source, transport: http1Transport() });
await gateway.ready;
const startMs = performance.now() - begun;
const limits = {
  headerBytes: 65536,
  headerCount: 100,
  bodyBytes: 0,
  headerTimeout: 60_000,
  bodyTimeout: 60_000,
  idleTimeout: 60_000,
  connections: 0,
};
await listenNode({
  host: "127.0.0.1",
  port: Number(port),
  limits,
  handler: (request, inbound) => gateway.fetch(request, { inbound }),
});
const rss = () => Math.round(process.memoryUsage().rss / 1024 / 1024);
const say = (value: object): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
say({ startMs, rss: rss() });

let timer: ReturnType<typeof setInterval> | undefined;
let changes = 0;

/** Milliseconds from the change to its being served. */
async function one(): Promise<number> {
  const id = `n${changes++}`;
  const inbound = {
    target: `/new/${id}`,
    faithful: true,
    headers: ["Host", "a"],
    peer: { address: "127.0.0.1", port: 1 },
    localPort: 80,
    secure: false,
    body: null,
    signal: new AbortController().signal,
  };
  const at = performance.now();
  source.put(`routes/${id}`, { uri: `/new/${id}`, upstream: { nodes: {} } });
  const request = new Request(`http://a/new/${id}`);
  for (;;) {
    // No node: 503 as soon as there is such a route.
    const { status } = await gateway.fetch(request, { inbound });
    if (status !== 404) return performance.now() - at;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const [command, value = "0"] = line.split(" ");
  if (command === "one") {
    void (async () => {
      const all: number[] = [];
      for (let i = 0; i < 100; i++) all.push(await one());
      all.sort((a, b) => a - b);
      say({ p50: all[50], max: all[99] });
    })();
    return;
  }
  clearInterval(timer);
  const rate = Number(value);
  if (rate === 0) return say({ changes, rss: rss() });
  const begun = performance.now();
  let made = 0;
  timer = setInterval(() => {
    // By the clock: what a late timer did not make is made now, so that the rate is what was asked for.
    for (const due = (performance.now() - begun) * rate / 1000; made < due; made++) {
      const id = changes++ % routes;
      source.put(`routes/r${id}`, { uri: `/r/${id}/*`, upstream_id: "1", desc: `change ${changes}` });
    }
  }, 10);
  say({ every: rate });
});
