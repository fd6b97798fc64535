import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { createFixture, type Fixture, summary } from "./fixture.ts";

const rule = (...names: string[]): unknown => ({ plugins: Object.fromEntries(names.map((name) => [name, {}])) });
const plugins = ({ store }: Fixture, id: string): string[] => Object.keys(store.get("global_rule", id)?.plugins ?? {});
const warnings = ({ status }: Fixture, id: string): string[] =>
  status(`global_rules/${id}`)?.warnings.map(({ path, message }) => `${path} ${message}`) ?? [];

describe("global rules", () => {
  it("lose a plugin that two of them have, both, and say so", async () => {
    const fixture = createFixture();
    await fixture.write({ "global_rules/1": rule("key-auth", "proxy-rewrite"), "global_rules/2": rule("key-auth") });
    deepStrictEqual([plugins(fixture, "1"), plugins(fixture, "2")], [["proxy-rewrite"], []]);
    deepStrictEqual(warnings(fixture, "1"), [
      'plugins.key-auth does not run, as global rule "2" has the same plugin: it runs for neither',
    ]);
    deepStrictEqual(warnings(fixture, "2"), [
      'plugins.key-auth does not run, as global rule "1" has the same plugin: it runs for neither',
    ]);
    strictEqual(fixture.state("global_rules/1"), "active");
  });

  it("change when another comes or goes, in the same commit", async () => {
    const fixture = createFixture();
    await fixture.write({ "global_rules/1": rule("key-auth") });
    deepStrictEqual(plugins(fixture, "1"), ["key-auth"]);
    const clash = await fixture.write({ "global_rules/2": rule("key-auth", "proxy-rewrite") });
    deepStrictEqual(summary(clash).sort(), ["+global_rule/2", "~global_rule/1"]);
    deepStrictEqual([plugins(fixture, "1"), plugins(fixture, "2")], [[], ["proxy-rewrite"]]);
    const healed = await fixture.write({ "global_rules/2": rule("proxy-rewrite") });
    deepStrictEqual(summary(healed).sort(), ["~global_rule/1", "~global_rule/2"]);
    deepStrictEqual([plugins(fixture, "1"), warnings(fixture, "1"), warnings(fixture, "2")], [["key-auth"], [], []]);
    await fixture.write({ "global_rules/3": rule("key-auth") });
    deepStrictEqual(summary(await fixture.write({ "global_rules/3": null })).sort(), [
      "-global_rule/3",
      "~global_rule/1",
    ]);
    deepStrictEqual(plugins(fixture, "1"), ["key-auth"]);
  });

  it("do not change where a third clashes, too", async () => {
    const fixture = createFixture();
    await fixture.write({ "global_rules/1": rule("key-auth"), "global_rules/2": rule("key-auth") });
    deepStrictEqual(summary(await fixture.write({ "global_rules/3": rule("key-auth") })), ["+global_rule/3"]);
    deepStrictEqual(plugins(fixture, "3"), []);
  });

  it("keep what they had where a bad value comes", async () => {
    const fixture = createFixture();
    await fixture.write({ "global_rules/1": rule("key-auth"), "global_rules/2": rule("key-auth") });
    await fixture.write({ "global_rules/2": "{" });
    deepStrictEqual(plugins(fixture, "1"), []);
    strictEqual(fixture.state("global_rules/2"), "stale");
  });
});
