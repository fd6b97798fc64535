import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseResource } from "../../../src/config/parse.ts";
import type { PluginCatalogue } from "../../../src/config/plugins.ts";
import { bad, catalogue, good, toBytes, warned } from "./values.ts";

const options = { plugins: catalogue };
const route = (plugins: unknown): unknown => ({ uri: "/", plugins });

describe("plugins", () => {
  it("are checked by the catalogue, which fills in defaults", () => {
    const { plugins } = good("route", "1", route({ "key-auth": {}, "proxy-rewrite": { uri: "/x" } }), options);
    deepStrictEqual({ ...plugins }, {
      "key-auth": { config: { key: "apikey" }, meta: {} },
      "proxy-rewrite": { config: { uri: "/x" }, meta: {} },
    });
    strictEqual(Object.getPrototypeOf(plugins), null);
  });

  it("are told the kind of the resource that holds them", () => {
    const seen: string[] = [];
    const spy: PluginCatalogue = {
      check: (name, config, where) => {
        seen.push(`${name} ${where}`);
        return { ok: true, config };
      },
    };
    good("consumer", "jack", { username: "jack", plugins: { a: {} } }, { plugins: spy });
    good("credential", "jack/credentials/1", { plugins: { b: {} } }, { plugins: spy });
    good("global_rule", "1", { plugins: { c: {} } }, { plugins: spy });
    deepStrictEqual(seen, ["a consumer", "b credential", "c global_rule"]);
  });

  it("reject the resource with the path within the configuration", () => {
    bad("route", "1", route({ "key-auth": { key: 1 } }), "plugins.key-auth.key", "rejected", options);
    bad("route", "1", route({ "key-auth": 1 }), "plugins.key-auth", "rejected", options);
    bad("route", "1", route({ "key-auth": [1] }), "plugins.key-auth", "rejected", options);
    bad("route", "1", route({ "key-auth": null }), "plugins.key-auth", "rejected", options);
  });

  it("reject the resource where one is unknown, with or without a catalogue", () => {
    strictEqual(
      bad("route", "1", route({ "my-auth": {} }), "plugins.my-auth", "rejected", options),
      "is not a plugin of this gateway",
    );
    bad("route", "1", route({ "key-auth": {} }), "plugins.key-auth");
    bad("route", "1", route({ toString: {} }), "plugins.toString", "rejected", options);
  });

  it("are left out with a warning where they are unknown and only write logs", () => {
    const value = route({ "http-logger": { uri: "http://a" }, "kafka-logger": {}, "key-auth": {} });
    deepStrictEqual(warned("route", "1", value, options), ["plugins.http-logger", "plugins.kafka-logger"]);
    deepStrictEqual(Object.keys(good("route", "1", value, options).plugins ?? {}), ["key-auth"]);
  });

  it("may be left out where the catalogue says so", () => {
    const lax: PluginCatalogue = { ...catalogue, isLoggingOnly: (name) => name === "my-log" };
    deepStrictEqual(warned("route", "1", route({ "my-log": {} }), { plugins: lax }), ["plugins.my-log"]);
    bad("route", "1", route({ "http-logger": {} }), "plugins.http-logger", "rejected", { plugins: lax });
  });

  it("need not be known where they are disabled, and stay, to replace those of a service", () => {
    const { plugins } = good("route", "1", route({ "my-auth": { _meta: { disable: true }, x: 1 } }), options);
    deepStrictEqual({ ...plugins }, { "my-auth": { config: { x: 1 }, meta: { disable: true } } });
  });

  it("take an empty array for an empty object", () => {
    strictEqual(good("route", "1", route({ "key-auth": [] }), options).plugins?.["key-auth"]?.meta.disable, undefined);
  });

  it("have a checked _meta", () => {
    const meta = (value: unknown): unknown => route({ "key-auth": { _meta: value } });
    const full = { disable: false, error_response: { a: 1 }, priority: 12, filter: [["arg_a", "==", "1"]] };
    deepStrictEqual(good("route", "1", meta(full), options).plugins?.["key-auth"]?.meta, full);
    good("route", "1", meta({ error_response: "text", filter: {} }), options);
    for (
      const [value, path] of [
        [{ disable: "no" }, ".disable"],
        [{ priority: 1.5 }, ".priority"],
        [{ filter: "x" }, ".filter"],
        [{ error_response: 1 }, ".error_response"],
        [1, ""],
      ] as const
    ) bad("route", "1", meta(value), `plugins.key-auth._meta${path}`, "rejected", options);
    bad(
      "route",
      "1",
      meta({ pre_function: "return 1" }),
      "plugins.key-auth._meta.pre_function",
      "unsupported",
      options,
    );
    deepStrictEqual(warned("route", "1", meta({ other: 1 }), options), ["plugins.key-auth._meta.other"]);
    bad("route", "1", meta({ other: 1 }), "plugins.key-auth._meta.other", "rejected", { ...options, mode: "strict" });
  });

  it("cost their own resource alone where their check fails", () => {
    const failing: PluginCatalogue = {
      check: () => {
        throw new RangeError("hunter2");
      },
    };
    const parsed = parseResource("route", "1", toBytes(route({ x: {} })), { plugins: failing });
    ok(!parsed.ok && !JSON.stringify(parsed).includes("hunter2"));
  });
});
