import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseLayout } from "../../../src/sources/file-layout.ts";

const keys = async (text: string, positions = true) => {
  const { items, issues } = await parseLayout(text, { positions });
  assert.deepEqual(issues, []);
  return Object.fromEntries(items.map(({ key, json }) => [key, json]));
};
const issues = async (text: string, positions = true) => (await parseLayout(text, { positions })).issues;

describe("parseLayout", () => {
  it("reads YAML and tells where each resource is", async () => {
    const text = [
      "# routes of the shop",
      "routes:",
      "  - id: 1",
      "    uri: /*",
      "    upstream:",
      "      nodes: {'127.0.0.1:80': 1}",
      "  - id: shop",
      "    uri: /shop",
      "upstreams:",
      "  - {id: u, nodes: []}",
      "#END",
    ].join("\n");
    const { items, issues, marked } = await parseLayout(text);
    assert.deepEqual(issues, []);
    assert.ok(marked);
    assert.deepEqual(items.map(({ key, json, position }) => ({ key, json, position })), [
      {
        key: "routes/1",
        json: '{"id":1,"uri":"/*","upstream":{"nodes":{"127.0.0.1:80":1}}}',
        position: { line: 3, column: 5 },
      },
      { key: "routes/shop", json: '{"id":"shop","uri":"/shop"}', position: { line: 7, column: 5 } },
      { key: "upstreams/u", json: '{"id":"u","nodes":[]}', position: { line: 10, column: 5 } },
    ]);
    assert.deepEqual(items[0]?.locate(["upstream", "nodes", "127.0.0.1:80"]), { line: 6, column: 15 });
    assert.deepEqual(items[0]?.locate(["upstream", "missing"]), { line: 5, column: 5 });
  });

  it("reads JSON the same with and without positions", async () => {
    const text = '{\n  "routes": [{"id": "1", "uri": "/*"}],\n  "node": {"host": "a", "port": 1}\n}\n#END\n';
    const expected = { "routes/1": '{"id":"1","uri":"/*"}', node: '{"host":"a","port":1}' };
    assert.deepEqual(await keys(text, true), expected);
    assert.deepEqual(await keys(text, false), expected);
    assert.deepEqual((await parseLayout(text)).items[0]?.position, { line: 2, column: 14 });
  });

  it("names consumers by username, and takes their credentials inside and beside them", async () => {
    const text = [
      "consumers:",
      "  - username: jack",
      "    plugins: {}",
      "    credentials:",
      "      - {id: one, plugins: {key-auth: {key: a}}}",
      "  - id: jack/credentials/two",
      "    plugins: {}",
    ].join("\n");
    assert.deepEqual(await keys(text), {
      "consumers/jack": '{"username":"jack","plugins":{}}',
      "consumers/jack/credentials/one": '{"id":"one","plugins":{"key-auth":{"key":"a"}}}',
      "consumers/jack/credentials/two": '{"id":"jack/credentials/two","plugins":{}}',
    });
  });

  it("reads anchors and merges, and sections of the file's own", async () => {
    const text =
      "x-up: &up {type: roundrobin}\nroutes: []\nupstreams:\n  - <<: *up\n    id: 1\n  - {id: 2, nested: *up}\n";
    assert.deepEqual(await keys(text), {
      "upstreams/1": '{"type":"roundrobin","id":1}',
      "upstreams/2": '{"id":2,"nested":{"type":"roundrobin"}}',
    });
  });

  it("takes empty sections, and complains about an empty file", async () => {
    assert.deepEqual(await keys("routes:\nupstreams: []\n"), {});
    assert.deepEqual(await keys("{}", false), {});
    assert.match((await issues(""))[0]?.message ?? "", /empty/);
    assert.match((await issues("# nothing\n#END"))[0]?.message ?? "", /empty/);
  });

  it("tells line and column of what is broken", async () => {
    assert.deepEqual((await issues("routes:\n  - id: 1\n    uri: /*\n   bad: x\n"))[0]?.position?.line, 4);
    assert.deepEqual((await issues('{"routes": [\n  {"id": "1",}}\n', false))[0]?.position?.line, 2);
    assert.deepEqual(await issues("routes:\n  - uri: /*\n"), [
      { message: "an entry of 'routes' has no 'id' (text or a number)", position: { line: 2, column: 5 } },
    ]);
    assert.match((await issues("consumers: [{id: a}]"))[0]?.message ?? "", /no 'username'/);
    assert.match((await issues("routes: {}"))[0]?.message ?? "", /no list/);
    assert.match((await issues("[]"))[0]?.message ?? "", /no object/);
    assert.match((await issues("routes: [1]"))[0]?.message ?? "", /no object/);
    assert.match((await issues("a: 1\n---\nb: 1"))[0]?.message ?? "", /document/);
  });

  it("complains about a section that there is not", async () => {
    assert.match((await issues("route:\n  - id: 1"))[0]?.message ?? "", /no section 'route'/);
    assert.match((await issues('{"route": []}', false))[0]?.message ?? "", /no section 'route'/);
  });

  it("complains about two resources with one id, also where one is a number", async () => {
    assert.deepEqual(await issues("routes:\n  - {id: 1, uri: /a}\n  - {id: '1', uri: /b}\n"), [
      { message: "two resources are 'routes/1' (the first is at line 2)", position: { line: 3, column: 5 } },
    ]);
    assert.equal((await issues('{"routes":[{"id":1},{"id":"1"}]}', false)).length, 1);
  });

  it("refuses aliases that multiply", async () => {
    const levels = Array.from({ length: 12 }, (_, level) => {
      const names = Array.from({ length: 9 }, () => level === 0 ? "x" : `*l${level - 1}`);
      return `x-${level}: &l${level} [${names}]`;
    });
    const text = [...levels, "routes:", "  - {id: 1, uri: /a, bomb: *l11}"].join("\n");
    assert.match((await issues(text))[0]?.message ?? "", /alias/i);
  });

  it("survives what is nested without end", async () => {
    const [open, close] = ["[".repeat(100_000), "]".repeat(100_000)];
    assert.equal((await issues(`routes: ${open}`)).length, 1);
    assert.equal((await issues(`routes:\n  - {id: 1, a: ${open}${close}}`)).length, 1);
    // Some runtimes can write that as JSON again; then it is for the resource's own checks to refuse it.
    const { items, issues: found } = await parseLayout(`{"routes": [{"id": 1, "a": ${open}${close}}]}`, {
      positions: false,
    });
    assert.equal(items.length + found.length, 1);
  });

  it("keeps a field that is named as a prototype", async () => {
    assert.deepEqual(await keys('{"routes":[{"id":"1","__proto__":{"a":1}}]}'), {
      "routes/1": '{"id":"1","__proto__":{"a":1}}',
    });
  });
});
