import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { KEY, testAdmin } from "./support.ts";

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe("the OpenAPI document", () => {
  const { app } = testAdmin();
  const read = async (): Promise<Document> => {
    const response = await app.request("http://127.0.0.1/openapi.json", { headers: { "x-api-key": KEY } });
    assert.equal(response.status, 200);
    return await response.json() as Document;
  };
  const operations = ({ paths }: Document) =>
    Object.entries(paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation }))
    );

  it("has every route that the application has, and no other", async () => {
    const document = await read();
    assert.equal(document.openapi, "3.1.0");
    const real = app.routes
      .filter(({ method, path }) => method !== "ALL" && path.startsWith("/apisix/admin/"))
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}")}`);
    const told = operations(document).map(({ method, path }) => `${method} ${path}`);
    assert.ok(real.length > 50);
    assert.deepEqual(told.sort(), [...new Set(real)].sort());
  });

  it("is asked for with a key", async () => {
    assert.equal((await app.request("http://127.0.0.1/openapi.json")).status, 401);
  });

  it("names operations once, and every parameter of a path", async () => {
    const all = operations(await read());
    const ids = all.map(({ operation }) => operation.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { path, operation } of all) {
      const named = operation.parameters.filter((each) => each.in === "path").map(({ name }) => name);
      assert.deepEqual(named, Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name));
    }
  });

  it("refers to schemas that are in it", async () => {
    const document = await read();
    const references = JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g);
    const names = new Set(Array.from(references, ([, name]) => name!));
    assert.ok(names.size > 10);
    for (const name of names) assert.ok(name in document.components.schemas, name);
  });

  it("knows each status that a route really answers with", async () => {
    const { call } = testAdmin();
    const document = await read();
    const route = { uri: "/", upstream: { nodes: { "127.0.0.1:1": 1 } } };
    const calls: readonly [string, string, string, unknown?][] = [
      ["PUT", "/routes/1", "/routes/{id}", route],
      ["PUT", "/routes/1", "/routes/{id}", route],
      ["PUT", "/routes/1", "/routes/{id}", {}],
      ["GET", "/routes/1", "/routes/{id}"],
      ["GET", "/routes/2", "/routes/{id}"],
      ["GET", "/routes", "/routes"],
      ["GET", "/routes?page=1&page_size=1", "/routes"],
      ["POST", "/routes", "/routes", route],
      ["PATCH", "/routes/1", "/routes/{id}", { status: 0 }],
      ["PATCH", "/routes/1/status", "/routes/{id}/{path}", "1"],
      ["PATCH", "/routes/3", "/routes/{id}", {}],
      ["DELETE", "/routes/1", "/routes/{id}"],
      ["DELETE", "/routes/1", "/routes/{id}"],
      ["PUT", "/consumers/jack/credentials/c", "/consumers/{username}/credentials/{id}", {}],
      ["GET", "/plugins/none", "/plugins/{name}"],
      ["GET", "/schema/none", "/schema/{kind}"],
    ];
    for (const [method, path, told, body] of calls) {
      const { status } = await call(method, path, body);
      const { responses } = document.paths[`/apisix/admin${told}`]![method.toLowerCase()]!;
      assert.ok(String(status) in responses, `${method} ${path} answered ${status}`);
    }
  });
});
