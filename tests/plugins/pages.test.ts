import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type * as v from "valibot";
import type { Plugin } from "../../src/pipeline/plugin.ts";
import { builtinPlugins } from "../../src/plugins/index.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const folder = fileURLToPath(new URL("../../docs/plugins/", import.meta.url));

/** The first table whose first column is `option`: names and defaults. */
function optionsOf(page: string): Map<string, string> | undefined {
  const table = /^\| option.*\n\|[- |]+\n((?:\|.*\n)+)/m.exec(page)?.[1];
  if (table === undefined) return undefined;
  const rows = table.trim().split("\n").map((row) => row.split("|").map((cell) => cell.trim().replaceAll("`", "")));
  return new Map(rows.map((cells) => [cells[1]!, cells[2]!]));
}

interface Shape {
  readonly type: string;
  readonly pipe?: readonly [Shape];
  readonly entries?: Readonly<Record<string, Shape>>;
  readonly default?: unknown;
}

function entriesOf(plugin: Plugin): Readonly<Record<string, Shape>> | undefined {
  const schema = plugin.schema as v.GenericSchema & Shape;
  return schema.entries ?? schema.pipe?.[0].entries;
}

describe("the pages of plugins", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const pages = readdirSync(folder).filter((name) => name.endsWith(".md"));
  for (const name of pages) {
    const page = readFileSync(folder + name, "utf8");
    const plugin = builtinPlugins.find((built) => `${built.name}.md` === name);

    it(`${name}: examples can be used`, async () => {
      const examples = [...page.matchAll(/^```json\n([\s\S]*?)^```/gm)].map(([, text]) => JSON.parse(text!));
      const resources = examples.filter((example) => Object.keys(example).every((key) => /^[a-z_]+\/./.test(key)));
      for (const example of resources) {
        await gateway.put(example);
        for (const key of Object.keys(example)) {
          const { state, issues, warnings } = gateway.keyStatus(key);
          assert.deepEqual({ state, issues, warnings }, { state: "active", issues: [], warnings: [] }, key);
        }
        await gateway.put(Object.fromEntries(Object.keys(example).map((key) => [key, undefined])));
      }
      if (plugin !== undefined) assert.ok(resources.length > 0, "has an example");
    });

    const entries = plugin && entriesOf(plugin), options = optionsOf(page);
    if (plugin === undefined || entries === undefined || options === undefined) continue;
    it(`${name}: lists the options of the schema, with their defaults`, () => {
      assert.deepEqual([...options.keys()].sort(), Object.keys(entries).sort());
      for (const [option, entry] of Object.entries(entries)) {
        const wanted = entry.default === undefined ? "" : String(entry.default);
        if (typeof entry.default !== "object") assert.equal(options.get(option), wanted, option);
      }
    });
    it(`${name}: tells the phase and the priority`, () => {
      assert.ok(page.includes(`Priority ${plugin.priority}`), String(plugin.priority));
      assert.ok(
        page.includes(`phase\n\`${plugin.phase}\``) || page.includes(`phase \`${plugin.phase}\``),
        plugin.phase,
      );
    });
  }
});
