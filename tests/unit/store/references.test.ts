import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Kind } from "../../../src/config/kinds.ts";
import type { Reference } from "../../../src/store/references.ts";
import { createFixture, type Fixture, route, upstream } from "./fixture.ts";

const pem = "-----BEGIN CERTIFICATE-----\n" + "x".repeat(128);
const tls = (id: string): object => ({ ...upstream() as object, tls: { client_cert_id: id } });

const direct = ({ store }: Fixture, kind: Kind, id: string): string[] =>
  store.dependents(kind, id).map((name) => `${name.kind}/${name.id}`).sort();
const all = ({ store }: Fixture, kind: Kind, id: string): string[] =>
  store.allDependents(kind, id).map((name) => `${name.kind}/${name.id}`).sort();

describe("references", () => {
  it("are those of every kind", async () => {
    const fixture = createFixture();
    await fixture.write({
      "routes/1": { uri: "/", service_id: "s", upstream_id: "u", plugin_config_id: "p" },
      "routes/2": { uri: "/", upstream: tls("c") },
      "services/s": { upstream_id: "u" },
      "services/t": { upstream: tls("c") },
      "upstreams/u": tls("c"),
      "upstreams/u/nodes/a": { host: "a", port: 1 },
      "consumers/jack": { username: "jack", group_id: "g" },
      "consumers/jack/credentials/1": {},
    });
    deepStrictEqual(direct(fixture, "service", "s"), ["route/1"]);
    deepStrictEqual(direct(fixture, "upstream", "u"), ["route/1", "service/s", "upstream_node/u/nodes/a"]);
    deepStrictEqual(direct(fixture, "plugin_config", "p"), ["route/1"]);
    deepStrictEqual(direct(fixture, "ssl", "c"), ["route/2", "service/t", "upstream/u"]);
    deepStrictEqual(direct(fixture, "consumer_group", "g"), ["consumer/jack"]);
    deepStrictEqual(direct(fixture, "consumer", "jack"), ["credential/jack/credentials/1"]);
    deepStrictEqual(direct(fixture, "route", "1"), []);
    strictEqual(fixture.state("routes/2"), "pending upstream.tls.client_cert_id");
    strictEqual(fixture.state("upstreams/u/nodes/a"), "active");
    strictEqual(fixture.state("upstreams/u"), "pending tls.client_cert_id");
    await fixture.write({ "ssls/c": { cert: pem, key: pem, type: "client" } });
    strictEqual(fixture.state("routes/2"), "active");
  });

  it("are followed through others, nobody twice", async () => {
    const fixture = createFixture();
    await fixture.write({
      "ssls/c": { cert: pem, key: pem, type: "client" },
      "upstreams/u": tls("c"),
      "services/s": { upstream_id: "u" },
      "routes/1": { uri: "/", service_id: "s", upstream_id: "u" },
      "routes/2": { uri: "/", service_id: "s" },
      "routes/3": { uri: "/", upstream_id: "v" },
    });
    deepStrictEqual(all(fixture, "ssl", "c"), ["route/1", "route/2", "service/s", "upstream/u"]);
    deepStrictEqual(all(fixture, "upstream", "v"), ["route/3"]);
  });

  it("go and come with the value that makes them", async () => {
    const fixture = createFixture();
    await fixture.write({ "routes/1": route(), "routes/2": route(), "routes/3": route() });
    deepStrictEqual(direct(fixture, "upstream", "u"), ["route/1", "route/2", "route/3"]);
    await fixture.write({ "routes/1": route({ upstream_id: "v" }), "routes/2": null });
    deepStrictEqual(direct(fixture, "upstream", "u"), ["route/3"]);
    deepStrictEqual(direct(fixture, "upstream", "v"), ["route/1"]);
    await fixture.write({ "routes/1": "{" });
    deepStrictEqual(direct(fixture, "upstream", "v"), ["route/1"]);
    await fixture.write({ "routes/1": null, "routes/3": null });
    deepStrictEqual([...direct(fixture, "upstream", "u"), ...direct(fixture, "upstream", "v")], []);
  });

  it("inside plugins are found by who knows them", async () => {
    const references = (_: Kind, resource: object): Reference[] => {
      const id = (resource as { plugins?: Record<string, { config: { to?: string } }> }).plugins?.["proxy-rewrite"]
        ?.config.to;
      return id === undefined ? [] : [{ kind: "upstream", id, path: "plugins.proxy-rewrite.to" }];
    };
    const fixture = createFixture({ references });
    await fixture.write({ "routes/1": { uri: "/", plugins: { "proxy-rewrite": { to: "v" } } } });
    deepStrictEqual(direct(fixture, "upstream", "v"), ["route/1"]);
    strictEqual(fixture.state("routes/1"), "pending plugins.proxy-rewrite.to");
    await fixture.write({ "upstreams/v": upstream() });
    strictEqual(fixture.state("routes/1"), "active");
  });

  it("of an extractor that fails are left out, and nothing else is", async () => {
    const failing = (): never => {
      throw new Error("extractor");
    };
    const fixture = createFixture({ references: failing });
    await fixture.write({ "routes/1": route() });
    deepStrictEqual(direct(fixture, "upstream", "u"), ["route/1"]);
  });
});
