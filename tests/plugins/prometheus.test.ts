import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import * as v from "valibot";
import { definePlugin } from "../../src/pipeline/plugin.ts";
import { itRejects } from "../support/faults.ts";
import { lint, scrape, withoutPromtool } from "../support/metrics.ts";
import { type GatewayRequest, type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { header, rawConnect } from "../support/raw.ts";
import { until } from "../support/until.ts";

const STATUS = "apisix_http_status", LATENCY = "apisix_http_latency", BANDWIDTH = "apisix_bandwidth";

/** A plugin of somebody's own that counts. */
const geo = definePlugin({
  name: "geo",
  priority: 1,
  schema: v.object({}),
  log: (_, { metrics }) => {
    const seen = metrics.counter({ name: "geo_requests_total", help: "Requests by country", labels: ["country"] });
    const sweden = seen.series(['s"e\\\n']);
    return (_, { bytes }) => sweden.value += bytes;
  },
});

describe("prometheus", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway({ plugins: [geo] });
  });
  after(() => gateway.close());

  /** Counters begin at zero with a route that is new. */
  async function fresh(
    plugins: Readonly<Record<string, unknown>>,
    others: Parameters<PluginGateway["route"]>[1] = {},
  ): Promise<void> {
    await gateway.put({ "routes/1": undefined, "global_rules/1": undefined });
    await gateway.route(plugins, others);
  }

  /** What is counted is there once the answer's last byte was handed to the listener, which may be after the client has it. */
  async function counted(count: number, labels: Readonly<Record<string, string>> = {}) {
    return await until(async () => {
      const found = await scrape(gateway.gateway);
      return found.sum(STATUS, labels) === count && found;
    }, { what: `${count} requests are counted` });
  }

  it("has every label of APISIX", async () => {
    await fresh({ prometheus: {} }, { "services/s": { name: "shop", upstream: gateway.upstream } });
    await gateway.put({
      "routes/1": {
        name: "front",
        service_id: "s",
        uris: ["/a/*", "/b"],
        hosts: ["*.example.com", "b.test"],
        plugins: { prometheus: {} },
      },
    });
    await gateway.send("/a/x", { headers: { Host: "www.example.com" } });
    await gateway.send("/b", { headers: { Host: "b.test" } });
    const { find } = await counted(2, { route: "1" });
    const others = {
      route: "1",
      service: "s",
      consumer: "",
      node: "127.0.0.1",
      request_type: "traditional_http",
      request_llm_model: "",
      llm_model: "",
    };
    assert.deepEqual(find(STATUS, { route: "1" }).map(({ labels }) => labels), [
      { ...others, code: "200", matched_uri: "/a/*", matched_host: "*.example.com", response_source: "upstream" },
      { ...others, code: "200", matched_uri: "/b", matched_host: "b.test", response_source: "upstream" },
    ]);
    assert.deepEqual(
      find(`${LATENCY}_count`, { route: "1" }).map(({ labels }) => labels),
      ["request", "apisix", "upstream"].map((type) => ({ ...others, type })),
    );
    assert.deepEqual(
      find(BANDWIDTH, { route: "1" }).map(({ labels }) => labels),
      ["ingress", "egress"].map((type) => ({ ...others, type })),
    );
    assert.deepEqual(
      find(`${LATENCY}_bucket`, { route: "1", type: "request" }).map(({ labels }) => labels.le),
      [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000, 60000, "+Inf"].map(String),
    );
  });

  it("uses names with prefer_name", async () => {
    await fresh({}, { "services/s": { name: "shop", upstream: gateway.upstream } });
    await gateway.put({
      "routes/1": { name: "front", service_id: "s", uri: "/*", plugins: { prometheus: { prefer_name: true } } },
    });
    await gateway.send("/");
    const { find } = await counted(1, { route: "front", service: "shop" });
    assert.equal(find(STATUS, { route: "1" }).length, 0);
    await gateway.put({ "routes/1": undefined });
  });

  it("uses ids with prefer_name where there are no names", async () => {
    await fresh({ prometheus: { prefer_name: true } });
    await gateway.send("/");
    await counted(1, { route: "1", service: "" });
  });

  it("tells who asked, and counts what other plugins refuse", async () => {
    await fresh({ prometheus: {}, "key-auth": {} }, {
      "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jacks" } } },
    });
    await gateway.send("/", { headers: { apikey: "jacks" } });
    await gateway.send("/", { headers: { apikey: "other" } });
    const { find, sum } = await counted(2, { route: "1" });
    assert.deepEqual(
      find(STATUS, { route: "1" }).map(({ labels: { code, consumer, node, response_source: source } }) => [
        code,
        consumer,
        node,
        source,
      ]),
      [["200", "jack", "127.0.0.1", "upstream"], ["401", "", "", "apisix"]],
    );
    assert.equal(sum(`${LATENCY}_count`, { route: "1", type: "upstream" }), 1);
    assert.equal(sum(`${LATENCY}_count`, { route: "1", type: "request" }), 2);
  });

  it("runs where a consumer brings it along", async () => {
    await fresh({ "key-auth": {} }, {
      "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jacks" }, prometheus: {} } },
    });
    await gateway.send("/", { headers: { apikey: "jacks" } });
    await gateway.send("/");
    await counted(1, { route: "1", consumer: "jack" });
  });

  it("tells answers of the gateway where a node failed", async () => {
    await fresh({ prometheus: {} });
    await gateway.put({
      "routes/1": { uri: "/*", upstream: { nodes: { "127.0.0.1:1": 1 } }, plugins: { prometheus: {} } },
    });
    await gateway.send("/");
    await counted(1, { route: "1", code: "502", node: "127.0.0.1", response_source: "nginx" });
  });

  it("counts the status that the client gets", async () => {
    await fresh({ prometheus: {}, "response-rewrite": { status_code: 418, body: "tea" } });
    assert.equal((await gateway.send("/")).text, "tea");
    const { sum } = await counted(1, { route: "1", code: "418", response_source: "upstream" });
    assert.equal(sum(STATUS, { route: "1" }), 1);
  });

  it("measures up to the last byte", async () => {
    await fresh({ prometheus: {} });
    let release = (): void => {};
    const later = new Promise<void>((resolve) => release = resolve);
    async function* chunks() {
      yield "first";
      await later;
      yield "second";
    }
    gateway.origin.respond = () => ({ chunks: chunks() });
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/`);
    const reader = answer.body!.getReader();
    await reader.read();
    const held = performance.now();
    await until(() => performance.now() - held > 60, { what: "60 ms are over" });
    assert.equal((await scrape(gateway.gateway)).sum(STATUS, { route: "1" }), 0);
    release();
    while (!(await reader.read()).done);
    gateway.origin.respond = () => undefined;
    const { sum } = await counted(1, { route: "1" });
    const [request, upstream, own] = ["request", "upstream", "apisix"].map((type) =>
      sum(`${LATENCY}_sum`, { route: "1", type })
    );
    assert.ok(request! >= 60 && upstream! >= 60, `${request} and ${upstream} ms`);
    assert.ok(Math.abs(request! - upstream! - own!) < 1e-6, `${request} - ${upstream} is not ${own}`);
    assert.ok(own! < 50, `${own} ms`);
  });

  it("counts a request whose client goes away", async () => {
    await fresh({ prometheus: {} });
    let gone = false;
    async function* chunks() {
      while (!gone) {
        yield "x".repeat(1000);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    }
    gateway.origin.respond = () => ({ chunks: chunks() });
    const client = await rawConnect(gateway.port);
    await client.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await client.readUntil("xxxx");
    client.destroy();
    await counted(1, { route: "1", code: "200" });
    gone = true;
    gateway.origin.respond = () => undefined;
  });

  it("leaves out what _meta.filter leaves out", async () => {
    await fresh({ prometheus: { _meta: { filter: [["arg_count", "==", "1"]] } } });
    await gateway.send("/?count=1");
    await gateway.send("/?count=0");
    await gateway.send("/?count=1");
    await counted(2, { route: "1" });
  });

  it("leaves labels empty that the metadata disables", async () => {
    await fresh({ prometheus: {} }, {
      "plugin_metadata/prometheus": {
        disabled_labels: { http_status: ["node", "matched_uri", "code"], http_latency: ["route"], other: 1 },
      },
    });
    await gateway.send("/");
    const { find } = await counted(1, { route: "1" });
    assert.deepEqual(
      find(STATUS, { route: "1" }).map(({ labels }) => [labels.node, labels.matched_uri, labels.code]),
      [["", "", "200"]],
    );
    assert.equal(find(`${LATENCY}_count`, { route: "1" }).length, 0);
    assert.equal(find(BANDWIDTH, { route: "1", node: "127.0.0.1" }).length, 2);
    await gateway.put({ "plugin_metadata/prometheus": undefined });
    await gateway.send("/");
    await counted(1, { route: "1", node: "127.0.0.1", matched_uri: "/*" });
  });

  describe("in a global rule", () => {
    const rule = { "global_rules/1": { plugins: { prometheus: {} } } };

    it("counts every route, and requests that no route takes", async () => {
      await fresh({}, rule);
      await gateway.put({ "routes/1": { uri: "/a", upstream: gateway.upstream } });
      await gateway.send("/a");
      const before = (await counted(1, { route: "1" })).sum(STATUS, { route: "" });
      await gateway.send("/none");
      const { find } = await counted(before + 1, { route: "" });
      const [sample] = find(STATUS, { route: "" });
      assert.deepEqual(
        [sample?.labels.code, sample?.labels.matched_uri, sample?.labels.response_source],
        ["404", "", "apisix"],
      );
    });

    it("leaves requests to the route's own", async () => {
      await fresh({ prometheus: { prefer_name: true } }, rule);
      await gateway.put({
        "routes/1": {
          uri: "/*",
          name: "mine",
          upstream: gateway.upstream,
          plugins: { prometheus: { prefer_name: true } },
        },
      });
      await gateway.send("/");
      const { sum } = await counted(1, { route: "mine" });
      assert.equal(sum(STATUS, { route: "1" }), 0);
    });

    it("counts once what runs other plugins, too", async () => {
      await fresh({ "key-auth": {}, "proxy-rewrite": { uri: "/x" } }, {
        "global_rules/1": { plugins: { prometheus: {}, "request-id": {}, "response-rewrite": { body: "x" } } },
        "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jacks" } } },
      });
      await gateway.send("/");
      await gateway.send("/?apikey=jacks");
      await counted(1, { route: "1", consumer: "jack", code: "200" });
      await counted(2, { route: "1" });
      await gateway.put({ "global_rules/1": undefined });
    });
  });

  describe("when routes go", () => {
    it("forgets their series, and begins anew with a route of the same id", async () => {
      await fresh({ prometheus: {} }, {
        "routes/2": { uri: "/2", upstream: gateway.upstream, plugins: { prometheus: {} } },
      });
      await gateway.send("/");
      await gateway.send("/2");
      await counted(1, { route: "2" });
      await gateway.put({ "routes/2": undefined });
      const gone = await scrape(gateway.gateway);
      assert.deepEqual(gone.samples.filter(({ labels }) => labels.route === "2"), []);
      assert.equal(gone.sum(STATUS, { route: "1" }), 1);
      await gateway.put({ "routes/2": { uri: "/2", upstream: gateway.upstream, plugins: { prometheus: {} } } });
      await gateway.send("/2");
      await counted(1, { route: "2" });
      await gateway.put({ "routes/2": undefined });
    });

    it("keeps them while the route is only changed", async () => {
      await fresh({ prometheus: {} });
      await gateway.send("/");
      await counted(1, { route: "1" });
      await gateway.route({ prometheus: {}, "request-id": {} });
      await gateway.send("/");
      await counted(2, { route: "1" });
    });

    it("forgets those of a route of a service and of a global rule, too", async () => {
      await fresh({}, {
        "services/s": { upstream: gateway.upstream, plugins: { prometheus: {} } },
        "routes/2": { uri: "/2", service_id: "s" },
        "routes/3": { uri: "/3", upstream: gateway.upstream },
        "global_rules/1": { plugins: { prometheus: {} } },
      });
      await gateway.send("/2");
      await gateway.send("/3");
      await counted(1, { route: "2" });
      await counted(1, { route: "3" });
      await gateway.put({ "routes/2": undefined, "routes/3": undefined });
      const { samples } = await scrape(gateway.gateway);
      assert.deepEqual(samples.filter(({ labels }) => labels.route === "2" || labels.route === "3"), []);
      await gateway.put({ "global_rules/1": undefined });
    });

    it("does not bring them back with a request that ends later", async () => {
      await fresh({ prometheus: {} });
      let release = (): void => {};
      const later = new Promise<void>((resolve) => release = resolve);
      gateway.origin.respond = async () => {
        await later;
        return undefined;
      };
      const seen = gateway.origin.seen.length;
      const slow = gateway.send("/");
      await until(() => gateway.origin.seen.length > seen, { what: "the origin has the request" });
      await gateway.put({ "routes/1": undefined });
      release();
      assert.equal((await slow).status, 200);
      gateway.origin.respond = () => undefined;
      assert.deepEqual((await scrape(gateway.gateway)).samples.filter(({ labels }) => labels.route === "1"), []);
    });

    it("keeps a name's series while another route has the name", async () => {
      const named = (uri: string) => ({
        uri,
        name: "both",
        upstream: gateway.upstream,
        plugins: { prometheus: { prefer_name: true } },
      });
      await fresh({}, { "routes/2": named("/2"), "routes/3": named("/3") });
      await gateway.send("/2");
      await gateway.send("/3");
      await counted(2, { route: "both" });
      await gateway.put({ "routes/2": undefined });
      assert.ok((await scrape(gateway.gateway)).sum(STATUS, { route: "both" }) > 0);
      await gateway.put({ "routes/3": undefined });
      assert.equal((await scrape(gateway.gateway)).find(STATUS, { route: "both" }).length, 0);
    });
  });

  describe("bytes", () => {
    const sizes: { what: string; request: GatewayRequest & { target?: string }; received: number; sent: number }[] = [];
    const host = "Host: localhost\r\n".length;
    const line = (method: string) => `${method} / HTTP/1.1\r\n\r\n`.length;
    const head = "HTTP/1.1 200 Status\r\n\r\n".length;
    const length = (bytes: number) => `Content-Length: ${bytes}\r\n`.length;
    const chunked = "Transfer-Encoding: chunked\r\n".length;
    sizes.push(
      { what: "of GET", request: {}, received: line("GET") + host, sent: head + length(5) + 5 },
      { what: "of HEAD", request: { method: "HEAD" }, received: line("HEAD") + host, sent: head + length(5) },
      {
        what: "of a body with its length",
        request: { method: "POST", body: "x".repeat(1000) },
        received: line("POST") + host + length(1000) + 1000,
        sent: head + length(5) + 5,
      },
      {
        what: "of a chunked body, without the sizes of its chunks",
        request: {
          method: "POST",
          headers: { "Transfer-Encoding": "chunked" },
          body: "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n",
        },
        received: line("POST") + host + chunked + 7,
        sent: head + length(5) + 5,
      },
    );
    for (const { what, request, received, sent } of sizes) {
      it(`are those ${what}`, async () => {
        await fresh({ prometheus: {} });
        gateway.origin.respond = () => ({ body: "hello" });
        await gateway.send("/", request);
        gateway.origin.respond = () => undefined;
        const { sum } = await counted(1, { route: "1" });
        assert.equal(sum(BANDWIDTH, { route: "1", type: "ingress" }), received);
        assert.equal(sum(BANDWIDTH, { route: "1", type: "egress" }), sent);
      });
    }

    it("are those of a body that a plugin put in", async () => {
      await fresh({ prometheus: {}, "response-rewrite": { body: "longer than it was" } });
      gateway.origin.respond = () => ({ chunks: ["a", "b"] });
      const answer = await gateway.send("/");
      gateway.origin.respond = () => undefined;
      const { sum } = await counted(1, { route: "1" });
      const fields = answer.headers.reduce((total, text) => total + text.length + 2, 0);
      const sent = sum(BANDWIDTH, { route: "1", type: "egress" });
      assert.ok(sent >= 18 + 17 && sent <= 18 + 30 + fields, `${sent} bytes`);
    });
  });

  it("counts exactly what 10,000 requests of a load generator were", { timeout: 60_000 }, async () => {
    await fresh({}, {
      "routes/1": { uri: "/a/*", upstream: gateway.upstream, plugins: { prometheus: {} } },
      "routes/2": { uri: "/b/*", upstream: gateway.upstream, plugins: { prometheus: {}, "key-auth": {} } },
      "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jacks" } } },
      "consumers/jill": { username: "jill", plugins: { "key-auth": { key: "jills" } } },
    });
    gateway.origin.respond = ({ target }) => {
      const [, status, size] = /(\d+)\/(\d+)$/.exec(target)!;
      return { status: Number(status), headers: ["Date", "now"], body: "x".repeat(Number(size)) };
    };
    const requestsBefore = gateway.gateway.requests();
    const tally = new Map<string, number>();
    const add = (key: string, value: number) => tally.set(key, (tally.get(key) ?? 0) + value);

    const run = async (worker: number): Promise<void> => {
      let client = await rawConnect(gateway.port);
      for (let i = 0; i < 500; i++) {
        const kind = (worker * 7 + i) % 10, status = [200, 404, 500][i % 3]!, size = (i * 37) % 5000;
        const [route, key] = kind < 5 ? ["1", ""] : ["2", ["jacks", "jills", "nobodys"][kind % 3]!];
        const body = kind % 2 === 0 ? "" : "y".repeat(i % 1000);
        const request = `${body === "" ? "GET" : "POST"} /${route === "1" ? "a" : "b"}/${status}/${size} HTTP/1.1\r\n` +
          `Host: localhost\r\n${key === "" ? "" : `apikey: ${key}\r\n`}` +
          `${body === "" ? "" : `Content-Length: ${body.length}\r\n`}\r\n${body}`;
        await client.write(request);
        const answer = await client.readMessage();
        const code = answer.startLine.split(" ")[1]!;
        const consumer = code === "401" ? "" : key.replace(/s$/, "");
        add(`status ${route} ${code} ${consumer}`, 1);
        add(`ingress ${route} ${consumer}`, request.length);
        add(`egress ${route} ${consumer}`, sizeOf(answer));
        add(`count ${route} ${consumer}`, 1);
        // After an answer to a request whose body was not read.
        if (header(answer.headers, "connection") !== "close") continue;
        client.destroy();
        client = await rawConnect(gateway.port);
      }
      client.destroy();
    };
    await Promise.all(Array.from({ length: 20 }, (_, worker) => run(worker)));
    gateway.origin.respond = () => undefined;
    const { sum, find } = await until(async () => {
      const found = await scrape(gateway.gateway);
      return found.sum(STATUS, { route: "1" }) + found.sum(STATUS, { route: "2" }) === 10_000 && found;
    }, { what: "10,000 requests are counted" });
    assert.equal(gateway.gateway.requests() - requestsBefore, 10_000);
    for (const [key, value] of tally) {
      const [what, route = "", ...rest] = key.split(" ");
      const consumer = rest.at(-1)!;
      if (what === "status") assert.equal(sum(STATUS, { route, code: rest[0]!, consumer }), value, key);
      else if (what === "count") {
        for (const type of ["request", "apisix"]) {
          assert.equal(sum(`${LATENCY}_count`, { route, consumer, type }), value, `${key} ${type}`);
          assert.equal(sum(`${LATENCY}_bucket`, { route, consumer, type, le: "+Inf" }), value, `${key} ${type}`);
        }
      } else assert.equal(sum(BANDWIDTH, { route, consumer, type: what! }), value, key);
    }
    const series = (name: string, labels: Readonly<Record<string, string>> = {}) =>
      find(name, labels).filter(({ labels: { route } }) => route !== "").length;
    assert.equal(tally.size, series(STATUS) + 3 * series(BANDWIDTH, { type: "ingress" }));
  });

  it("pleases promtool", { skip: withoutPromtool }, async () => {
    await fresh({ prometheus: {}, geo: {} });
    await gateway.send('/"\\', { headers: { Host: "localhost" } });
    await counted(1, { route: "1" });
    const { text } = await scrape(gateway.gateway);
    for (const name of [STATUS, LATENCY, BANDWIDTH, "geo_requests_total"]) {
      assert.match(text, new RegExp(`^# TYPE ${name} `, "m"));
    }
    assert.equal(lint(text), "");
  });

  it("lets a plugin of somebody's own count", async () => {
    await fresh({ geo: {} });
    gateway.origin.respond = () => ({ body: "hello" });
    const before = (await scrape(gateway.gateway)).sum("geo_requests_total");
    await gateway.send("/");
    gateway.origin.respond = () => undefined;
    await until(async () => (await scrape(gateway.gateway)).sum("geo_requests_total") === before + 5, {
      what: "5 bytes",
    });
    assert.equal((await scrape(gateway.gateway)).find("geo_requests_total")[0]!.labels.country, 's"e\\\n');
  });

  itRejects(() => gateway, "prometheus", "route", [
    { config: { prefer_name: 1 }, issues: ["prefer_name: must be true or false, is 1"] },
  ]);
});

/** An answer's bytes, without what the listener adds: its own fields, and the reason phrase of answers that the gateway itself made. */
function sizeOf(
  { startLine, headers, body }: { startLine: string; headers: readonly string[]; body: Uint8Array },
): number {
  let bytes = (startLine.includes(" 401 ") ? "HTTP/1.1 401 ".length : startLine.length) + 4 + body.byteLength;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!.toLowerCase();
    if (name === "connection" || name === "keep-alive") continue;
    if (name === "date" && headers[i + 1] !== "now") continue;
    bytes += headers[i]!.length + headers[i + 1]!.length + 4;
  }
  return bytes;
}
