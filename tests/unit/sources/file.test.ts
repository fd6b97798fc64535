import assert from "node:assert/strict";
import { appendFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { fileSource, type FileSourceOptions } from "../../../src/sources/file.ts";
import { Collector } from "../../contracts/collector.ts";
import { until } from "../../support/until.ts";

const route = (id: string, uri: string) => `  - {id: ${id}, uri: ${uri}}\n`;
const json = (id: string, uri: string) => JSON.stringify({ id, uri });

describe("fileSource", () => {
  let folder: string;
  let path: string;
  let collector: Collector | undefined;
  const lines: string[] = [];
  const open = (options: FileSourceOptions = {}, at = path) => {
    collector = new Collector(fileSource(at, { log: (level, text) => lines.push(`${level} ${text}`), ...options }));
    return collector;
  };
  const reason = () => collector?.source.status().reason ?? "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "gatewatch-file-"));
    path = join(folder, "resources.yaml");
    lines.length = 0;
  });
  afterEach(async () => {
    await collector?.stop();
    collector = undefined;
    await rm(folder, { recursive: true });
  });

  it("keeps what it had when an edit is broken, says where, and takes the next good one", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open();
    await read.holds({ "routes/a": json("a", "/a") });
    await writeFile(path, `routes:\n${route("a", "/b")}  - {id: b, uri: [}\n`);
    await until(() => read.source.status().state === "stale", { what: "the source is stale" });
    assert.match(reason(), /resources\.yaml:3:\d+: /);
    assert.deepEqual([...read.content.values()], [json("a", "/a")]);
    assert.equal(lines.filter((line) => line.startsWith("error")).length, 1);
    await writeFile(path, `routes:\n${route("a", "/c")}`);
    await read.holds({ "routes/a": json("a", "/c") });
    assert.equal(read.source.status().state, "synced");
    assert.equal(read.source.status().reason, undefined);
  });

  it("picks up an edit within a tenth of a second", async () => {
    await writeFile(path, `routes:\n${route("a", "/0")}`);
    const read = open();
    await read.synced();
    const times: number[] = [];
    for (let edit = 1; edit <= 10; edit++) {
      const start = performance.now();
      await writeFile(path, `routes:\n${route("a", `/${edit}`)}`);
      await read.holds({ "routes/a": json("a", `/${edit}`) });
      times.push(performance.now() - start);
    }
    times.sort((a, b) => a - b);
    assert.ok((times[5] ?? Infinity) < 150, `median of ${times.map(Math.round)} ms`);
  });

  it("waits for a file that is not there, also where its folder is not", async () => {
    const later = join(folder, "later");
    const read = open({ pollMs: 20 }, join(later, "resources.yaml"));
    await until(() => /no such file/.test(reason()), { what: "the missing file is named" });
    assert.equal(read.source.status().state, "connecting");
    await mkdir(later);
    await writeFile(join(later, "resources.yaml"), "routes: []\n");
    await read.synced();
  });

  it("keeps what it had when the file is deleted", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open();
    await read.synced();
    await rm(path);
    await until(() => read.source.status().state === "stale", { what: "the source is stale" });
    assert.equal(read.content.size, 1);
    await writeFile(path, "routes: []\n");
    await read.holds({});
  });

  it("keeps what it had when the file is cut to nothing", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open();
    await read.synced();
    await writeFile(path, "");
    await until(() => read.source.status().state === "stale", { what: "the source is stale" });
    assert.match(reason(), /empty/);
    assert.equal(read.content.size, 1);
  });

  it("follows editors that put a new file in the place of the old one", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open({ pollMs: 60_000 });
    await read.synced();
    for (const uri of ["/b", "/c"]) {
      await writeFile(`${path}~`, `routes:\n${route("a", uri)}`);
      await rename(`${path}~`, path);
      await read.holds({ "routes/a": json("a", uri) });
    }
  });

  it("follows Kubernetes, which swaps the folder that the file links to", async () => {
    const write = async (version: string, uri: string) => {
      await mkdir(join(folder, version));
      await writeFile(join(folder, version, "resources.yaml"), `routes:\n${route("a", uri)}`);
      await symlink(version, join(folder, "..data_tmp"));
      await rename(join(folder, "..data_tmp"), join(folder, "..data"));
    };
    await write("..1", "/a");
    await symlink(join("..data", "resources.yaml"), path);
    const read = open({ pollMs: 60_000 });
    await read.holds({ "routes/a": json("a", "/a") });
    await write("..2", "/b");
    await read.holds({ "routes/a": json("a", "/b") });
  });

  it("finds an edit by looking, where the system tells nothing", async () => {
    const elsewhere = join(folder, "elsewhere");
    const real = join(elsewhere, "real.yaml");
    await mkdir(elsewhere);
    await writeFile(real, `routes:\n${route("a", "/a")}`);
    await symlink(real, path);
    const read = open({ pollMs: 30 });
    await read.synced();
    await writeFile(real, `routes:\n${route("a", "/b")}`);
    await read.holds({ "routes/a": json("a", "/b") });
  });

  it("does not take a half-written file that had an end mark", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}${route("b", "/b")}#END\n`);
    const read = open();
    await read.synced();
    await writeFile(path, `routes:\n${route("a", "/1")}`);
    await until(() => /#END/.test(reason()), { what: "the missing mark is named" });
    assert.equal(read.content.size, 2);
    await appendFile(path, `${route("b", "/2")}#END\n`);
    await read.holds({ "routes/a": json("a", "/1"), "routes/b": json("b", "/2") });
    assert.equal(read.batches.length, 2);
  });

  it("takes a file without its end mark after all, when it stays so", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}#END\n`);
    const read = open({ settleMs: 200, pollMs: 50 });
    await read.synced();
    await writeFile(path, `routes:\n${route("a", "/b")}`);
    await read.holds({ "routes/a": json("a", "/b") });
  });

  it("refuses a file above its limit, and one that is no UTF-8", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open({ maxBytes: 100 });
    await read.synced();
    await writeFile(path, "#".repeat(200));
    await until(() => /more than the 100/.test(reason()), { what: "the size is named" });
    await writeFile(path, new Uint8Array([0xff, 0xfe, 0x00]));
    await until(() => /UTF-8/.test(reason()), { what: "the encoding is named" });
    assert.equal(read.content.size, 1);
  });

  it("tells nothing about an edit that changes no resource", async () => {
    await writeFile(path, `routes:\n${route("a", "/a")}`);
    const read = open();
    await read.synced();
    await appendFile(path, "# a comment\n");
    await until(() => read.source.status().details?.["reads"] === 2, { what: "the file was read again" });
    assert.equal(read.batches.length, 1);
  });
});
