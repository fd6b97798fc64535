import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileSource } from "../../../src/sources/file.ts";
import { editLayout } from "../../../src/sources/file-edit.ts";
import { WriteError } from "../../../src/store/writable.ts";

const put = (key: string, value: unknown) => ({ key, value: new TextEncoder().encode(JSON.stringify(value)) });
const refused = (error: unknown) => error instanceof WriteError && error.code === "refused";

const TEXT = `# Routes of the shop.
routes:
  # Everybody's.
  - id: shop
    uri: /shop/* # with all below

    upstream:
      nodes: { "127.0.0.1:1": 1 } # one is enough
  - {id: 2, uri: '/two', plugins: {}}

# People.
consumers:
  - username: jack
    credentials:
      - id: c1 # his first
        plugins: { key-auth: { key: k } }
#END
`;

describe("an edit of a resources file", () => {
  it("changes what it must, and nothing else", async () => {
    const nodes = { "127.0.0.1:1": 1 };
    const edited = await editLayout(TEXT, {
      puts: [put("routes/shop", { id: "shop", uri: "/store/*", upstream: { nodes } })],
    });
    assert.equal(
      edited,
      TEXT.replace("/shop/* #", "/store/* #").replace(
        "{id: 2, uri: '/two', plugins: {}}",
        "{ id: 2, uri: '/two', plugins: {} }",
      ),
    );
  });

  it("leaves the text alone where nothing changes", async () => {
    const puts = [put("routes/2", { plugins: {}, uri: "/two", id: 2 })];
    assert.equal(await editLayout(TEXT, { puts, deletes: ["routes/none"] }), TEXT);
  });

  it("adds to a section's end, and makes the section where there is none", async () => {
    const edited = await editLayout(TEXT, {
      puts: [put("routes/3", { uri: "/three", plugins: {} }), put("upstreams/u", { nodes: { "a:1": 1 } })],
    });
    assert.match(edited, /'\/two'.*\n {2}- id: "3"\n {4}uri: \/three\n/);
    assert.match(edited, /\nupstreams:\n {2}- id: u\n/);
    assert.match(edited, /# Everybody's\./);
    assert.match(edited, /#END\n$/);
  });

  it("deletes with the comment that was for it, and keeps the others", async () => {
    const edited = await editLayout(TEXT, { deletes: ["routes/shop"] });
    assert.ok(!edited.includes("one is enough"));
    for (const comment of ["# Routes of the shop.", "# People.", "# his first"]) assert.ok(edited.includes(comment));
  });

  it("finds credentials within their consumer", async () => {
    const key = "consumers/jack/credentials/c1";
    const changed = await editLayout(TEXT, { puts: [put(key, { id: "c1", plugins: { "key-auth": { key: "new" } } })] });
    assert.match(changed, /- id: c1 # his first\n {8}plugins: \{ key-auth: \{ key: new \} \}/);
    const added = await editLayout(TEXT, { puts: [put("consumers/jack/credentials/c2", { plugins: {} })] });
    assert.match(added, / {6}- id: c2\n/);
    const deleted = await editLayout(TEXT, { deletes: [key] });
    assert.ok(!deleted.includes("credentials"));
    const renamed = await editLayout(TEXT, { puts: [put("consumers/jack", { username: "jack", desc: "him" })] });
    assert.match(renamed, /# his first/);
  });

  it("keeps lists where they begin", async () => {
    const text = "routes:\n- id: a\n  uri: /a\n";
    const edited = await editLayout(text, { puts: [put("routes/b", { uri: "/b" })] });
    assert.equal(edited, `${text}- id: b\n  uri: /b\n`);
  });

  it("writes JSON as JSON, indented as it was, its order kept", async () => {
    const text =
      '{\n    "routes": [\n        {\n            "uri": "/a",\n            "id": "a"\n        }\n    ]\n}\n';
    const edited = await editLayout(text, { puts: [put("routes/a", { uri: "/b", id: "a" })] });
    assert.deepEqual(JSON.parse(edited), { routes: [{ id: "a", uri: "/b" }] });
    assert.match(edited, /^\{\n {4}"routes"/);
    assert.ok(edited.endsWith("}\n"));
  });

  it("refuses what would change others by a shared part", async () => {
    const text =
      "routes:\n  - id: a\n    uri: /a\n    upstream: &u { nodes: { 'a:1': 1 } }\n  - { id: b, uri: /b, upstream: *u }\n";
    const edit = editLayout(text, {
      puts: [put("routes/a", { id: "a", uri: "/a", upstream: { nodes: { "a:2": 1 } } })],
    });
    await assert.rejects(edit, refused);
    await assert.rejects(editLayout(text, { deletes: ["routes/a"] }), refused);
    const own = await editLayout(text, {
      puts: [put("routes/b", { id: "b", uri: "/b", upstream: { nodes: { "b:1": 1 } } })],
    });
    assert.match(own, /&u/);
  });
});

describe("a written resources file", () => {
  async function inFolder(work: (path: string, folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "gatewatch-edit-"));
    try {
      await work(join(folder, "resources.yaml"), folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const guard = (modRevision: number) => [{ key: "routes/a", modRevision }];
  const ROUTE = "routes:\n  - { id: a, uri: /a }\n";

  it("takes an edit by hand for a conflict", async () => {
    await inFolder(async (path) => {
      await writeFile(path, ROUTE);
      const source = fileSource(path);
      const { entry } = await source.get("routes/a");
      await writeFile(path, ROUTE.replace("/a", "/by-hand"));
      const puts = [put("routes/a", { id: "a", uri: "/lost" })];
      assert.equal((await source.commit({ puts, guards: guard(entry!.modRevision) })).ok, false);
      assert.match(await readFile(path, "utf8"), /by-hand/);
    });
  });

  it("keeps its rights, its link, and leaves nothing beside it", async () => {
    await inFolder(async (path, folder) => {
      await writeFile(path, ROUTE);
      await chmod(path, 0o640);
      const link = join(folder, "link.yaml");
      await symlink(path, link);
      const result = await fileSource(link).commit({ puts: [put("routes/b", { id: "b", uri: "/b" })] });
      assert.equal(result.ok, true);
      assert.equal((await stat(path)).mode & 0o777, 0o640);
      assert.match(await readFile(path, "utf8"), /id: b/);
      assert.deepEqual((await readdir(folder)).sort(), ["link.yaml", "resources.yaml"]);
    });
  });

  it("is not written while it is broken", async () => {
    await inFolder(async (path) => {
      await writeFile(path, "routes: [");
      const source = fileSource(path);
      const unavailable = (error: unknown) => error instanceof WriteError && error.code === "unavailable";
      await assert.rejects(source.commit({ puts: [put("routes/b", { uri: "/b" })] }), unavailable);
      await assert.rejects(source.get("routes/a"), unavailable);
      assert.equal(await readFile(path, "utf8"), "routes: [");
    });
  });
});
