// limit: 60
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ROOT } from "../../scripts/root.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { type GatewayProcess, runGatewatch, startGatewayProcess } from "../support/gateway-process.ts";
import { until } from "../support/until.ts";

const FILE = join(ROOT, "examples/plugin/geo-header.ts");

describe("a plugin of one's own, given by --plugin", () => {
  let etcd: EtcdServer, gateway: GatewayProcess, origin: Server;
  before(async () => {
    origin = createServer((request, response) =>
      response.end(String(request.headers["x-geo"] ?? request.headers["x-land"]))
    );
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    etcd = await startEtcd();
    gateway = await startGatewayProcess({ flags: ["--etcd", etcd.url, "--prefix", "/own", "--plugin", FILE] });
  });
  after(async () => {
    await gateway?.stop();
    await etcd?.close();
    origin.close();
  });

  const route = (config: object) =>
    JSON.stringify({
      uri: "/*",
      plugins: { "geo-header": config },
      upstream: { nodes: { [`127.0.0.1:${(origin.address() as AddressInfo).port}`]: 1 } },
    });

  it("runs, and follows etcd", async () => {
    await etcd.put("/own/routes/1", route({ country: "at" }));
    await until(async () => (await gateway.get("/")).body === "at 127.0.0.1", { what: "the plugin runs" });
    await etcd.put("/own/routes/1", route({ header: "x-land", country: "ch" }));
    await until(async () => (await gateway.get("/")).body === "ch 127.0.0.1", {
      what: "the new configuration is used",
    });
  });

  it("is checked, shown and explained as a built-in one", async () => {
    await etcd.put("/own/routes/1", route({ header: 7 }));
    const stale = async () => (await gateway.status()).rejected.keys.find(({ state }) => state === "stale");
    const key = await until(stale, { what: "the bad configuration is told" });
    strictEqual(key.issues[0]?.path, "plugins.geo-header.header");
    const { stdout } = await runGatewatch([
      "explain",
      "--control",
      gateway.controlUrl,
      "--json",
      "GET",
      "http://a.test/",
    ]);
    const { plugins } = JSON.parse(stdout) as { plugins: { name: string; from: string }[] };
    deepStrictEqual(plugins.map(({ name, from }) => `${name} of ${from}`), ["geo-header of route/1"]);
  });

  it("is refused with a clear message where the file is none", async () => {
    const { status, stderr } = await runGatewatch(["run", "--etcd", etcd.url, "--plugin", "no-such-file.ts"]);
    strictEqual(status, 2);
    match(stderr, /--plugin: Cannot load no-such-file\.ts/);
  });
});
