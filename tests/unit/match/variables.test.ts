import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileVariable } from "../../../src/match/compile-variable.ts";
import { RequestVariables } from "../../../src/match/request-variables.ts";
import type { VariableValue } from "../../../src/match/variable-value.ts";
import { NEEDS_BODY } from "../../../src/match/variable.ts";
import { type RequestOptions, source } from "./support.ts";

function read(name: string, target: string, options: RequestOptions = {}): VariableValue | typeof NEEDS_BODY {
  return new RequestVariables(source(target, options)).read(compileVariable(name));
}

function check(
  rows: readonly (readonly [name: string, target: string, value: VariableValue, options?: RequestOptions])[],
): void {
  for (const [name, target, value, options] of rows) {
    it(`${name} of ${target}${options === undefined ? "" : ` ${JSON.stringify(options).slice(0, 90)}`} is ${JSON.stringify(value)}`, () => {
      assert.deepEqual(read(name, target, options), value);
    });
  }
}

describe("nginx's variables", () => {
  check([
    ["uri", "/a//b/%63?x=1", "/a/b/c"],
    ["document_uri", "/a", "/a"],
    ["request_uri", "/a//b?x=%20", "/a/b?x=%20"],
    ["request_uri", "/a", "/a"],
    ["real_request_uri", "/a//b?x=%20", "/a//b?x=%20"],
    ["args", "/a?x=1&y", "x=1&y"],
    ["query_string", "/a?x=1", "x=1"],
    ["args", "/a", undefined],
    ["is_args", "/a?x", "?"],
    ["is_args", "/a", ""],
    ["is_args", "/a?", ""],
    ["host", "/", "example.com", { host: "Example.com:81" }],
    ["http_host", "/", "Example.com:81", { host: "Example.com:81" }],
    ["request_method", "/", "PURGE", { method: "PURGE" }],
    ["method", "/", "GET"],
    ["scheme", "/", "http"],
    ["https", "/", ""],
    ["server_port", "/", "9080"],
    ["server_protocol", "/", "HTTP/1.1"],
    ["request", "/a?b", "GET /a?b HTTP/1.1"],
    ["remote_addr", "/", "192.0.2.1", { address: "192.0.2.1" }],
    ["remote_port", "/", "40000"],
    ["content_type", "/", "text/plain", { headers: ["Content-Type", "text/plain"] }],
    ["content_length", "/", undefined],
    ["no_such_variable", "/", undefined],
  ]);
});

describe("arg_x", () => {
  check([
    ["arg_a", "/?a=1&a=2", "1"],
    ["arg_a", "/?b=1", undefined],
    ["arg_a", "/?a=", ""],
    ["arg_a", "/?a", true],
    ["arg_a", "/?b&a&c", true],
    ["arg_a", "/?a=b=c", "b=c"],
    ["arg_a", "/?a=%C3%A9+x%2B", "é x+"],
    ["arg_a", "/?a=%zz%", "%zz%"],
    ["arg_a", "/?a=%ff%41", "\ufffdA"],
    ["arg_é", "/?%c3%a9=1", "1"],
    ["arg_a-b", "/?a-b=1", "1"],
    ["arg_A", "/?a=1", undefined],
    ["arg___proto__", "/?a=1", undefined],
    ["arg_", "/?=1", undefined],
  ]);

  it("looks at a thousand arguments at most", () => {
    const query = Array.from({ length: 1500 }, (_, i) => `a${i}=${i}`).join("&");
    assert.equal(read("arg_a999", `/?${query}`), "999");
    assert.equal(read("arg_a1000", `/?${query}`), undefined);
  });
});

describe("http_x", () => {
  check([
    ["http_x_tag", "/", "1", { headers: ["X-Tag", "1"] }],
    ["http_x-tag", "/", "1", { headers: ["x-tag", "1"] }],
    ["http_X_Tag", "/", "1", { headers: ["x-TAG", "1"] }],
    ["http_x_tag", "/", "1", { headers: ["X_Tag", "1"] }],
    ["http_x_tag", "/", "1, 2", { headers: ["X-Tag", "1", "Accept", "x", "x-tag", "2"] }],
    ["http_x_tag", "/", undefined, { headers: ["X-Tags", "1"] }],
    ["http_x_tag", "/", "", { headers: ["X-Tag", ""] }],
    ["http_cookie", "/", "a=1; b=2", { headers: ["Cookie", "a=1", "Cookie", "b=2"] }],
  ]);
});

describe("cookie_x", () => {
  const headers = ["Cookie", 'a=1; b="two"; a=3;c = 4 ;d', "cookie", "e=5=6"];
  check([
    ["cookie_a", "/", "3", { headers }],
    ["cookie_b", "/", '"two"', { headers }],
    ["cookie_c", "/", "4", { headers }],
    ["cookie_d", "/", undefined, { headers }],
    ["cookie_e", "/", "5=6", { headers }],
    ["cookie_a", "/", undefined],
  ]);
});

describe("post_arg_x", () => {
  const form = ["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"];
  check([
    ["post_arg_a", "/", "1 2", { headers: form, body: "a=1+2&b=3" }],
    ["post_arg_c", "/", undefined, { headers: form, body: "a=1" }],
    ["post_arg_a", "/", undefined, { headers: ["Content-Type", "text/plain"], body: "a=1" }],
    ["post_arg_a", "/", undefined, { body: "a=1" }],
    ["post_arg_a", "/", undefined, { headers: form, body: null }],
  ]);

  it("needs the body", () => {
    assert.equal(read("post_arg_a", "/", { headers: form }), NEEDS_BODY);
    assert.equal(read("post_arg.a", "/"), NEEDS_BODY);
  });
});

describe("post_arg.path", () => {
  const json = (value: unknown): RequestOptions => ({
    headers: ["Content-Type", "application/json"],
    body: JSON.stringify(value),
  });
  const shop = json({
    user: { id: 7, tags: ["a", "b"], none: null, ok: false },
    items: [{ id: 1 }, { id: 2, sub: { id: 3 } }],
    "a b": 1,
  });
  const boundary = ["Content-Type", "multipart/form-data; boundary=xYz"];
  const multipart = [
    "--xYz",
    'Content-Disposition: form-data; name="a"',
    "",
    "é 1",
    "--xYz",
    'Content-Disposition: form-data; filename="x"; name="file"',
    "Content-Type: text/plain",
    "",
    "line\r\n--xY\r\n",
    "--xYz",
    'content-disposition: form-data; name="a"',
    "",
    "2",
    "--xYz--",
    "",
  ].join("\r\n");
  check([
    ["post_arg.user.id", "/", 7, shop],
    ["post_arg.user.ok", "/", false, shop],
    ["post_arg.user.none", "/", null, shop],
    ["post_arg.user.tags", "/", ["a", "b"], shop],
    ["post_arg.user.missing.deep", "/", undefined, shop],
    ["post_arg.user.id.x", "/", undefined, shop],
    ["post_arg.a b", "/", 1, shop],
    // A plain name is no index, as in Lua.
    ["post_arg.items.0.id", "/", undefined, shop],
    ["post_arg.items[0].id", "/", [1], shop],
    ["post_arg.items[9].id", "/", undefined, shop],
    ["post_arg.items[*].id", "/", [1, 2], shop],
    ["post_arg.user.*", "/", [7, ["a", "b"], null, false], shop],
    ["post_arg.items..id", "/", [1, 2, 3], shop],
    ["post_arg.user['id']", "/", [7], shop],
    ['post_arg["a b"]', "/", undefined, shop],
    ["post_arg.constructor", "/", undefined, shop],
    ["post_arg.__proto__.x", "/", undefined, shop],
    ["post_arg.toString", "/", undefined, shop],
    ["post_arg.user[*].constructor", "/", undefined, shop],
    ["post_arg.a", "/", undefined, { headers: ["Content-Type", "application/json"], body: "{" }],
    ["post_arg.a", "/", undefined, { headers: ["Content-Type", "application/json"], body: "" }],
    ["post_arg.a", "/", undefined, { headers: ["Content-Type", "application/json"], body: null }],
    ["post_arg.a", "/", undefined, { headers: ["Content-Type", "text/plain"], body: '{"a":1}' }],
    ["post_arg.a", "/", "1", { headers: ["Content-Type", "application/x-www-form-urlencoded"], body: "a=1" }],
    ["post_arg.a", "/", "é 1", { headers: boundary, body: multipart }],
    ["post_arg.file", "/", "line\r\n--xY\r\n", { headers: boundary, body: multipart }],
    ["post_arg.b", "/", undefined, { headers: boundary, body: multipart }],
    ["post_arg.a", "/", undefined, { headers: ["Content-Type", "multipart/form-data"], body: multipart }],
  ]);

  it("keeps what JSON calls __proto__ a member like any other", () => {
    const options = { headers: ["Content-Type", "application/json"], body: '{"__proto__":{"x":1}}' };
    assert.equal(read("post_arg.__proto__.x", "/", options), 1);
    assert.equal(({} as { x?: number }).x, undefined);
  });

  it("reads a form of many small parts, and a deep JSON, in time", () => {
    const start = performance.now();
    read("post_arg.zz", "/", {
      headers: boundary,
      body: `--xYz\r\n${"-".repeat(500_000)}${"\r\n--xYz\r\n".repeat(50_000)}`,
    });
    read("post_arg..a", "/", {
      headers: ["Content-Type", "application/json"],
      body: `${"[".repeat(2000)}${"]".repeat(2000)}`,
    });
    read("post_arg..a", "/", {
      headers: ["Content-Type", "application/json"],
      body: JSON.stringify(Array.from({ length: 100_000 }, () => ({ a: 1 }))),
    });
    assert.ok(performance.now() - start < 3000);
  });

  for (const path of ["a[", "a[x]", "a[1:2]", "a[?(@.b)]", "a..", "a[*].", "a[-1]", "a[(@.length-1)]"]) {
    it(`refuses ${path}`, () => assert.throws(() => compileVariable(`post_arg.${path}`), SyntaxError));
  }
});

describe("graphql_x", () => {
  const post = (body: string, type = "application/json"): RequestOptions => ({
    method: "POST",
    headers: ["Content-Type", type],
    body,
  });
  const query = JSON.stringify({
    query:
      "query Shop($id: ID! = 1) @live { owner { name } o: orders(first: 10) { id } ...Rest } fragment Rest on Q { z }",
  });
  check([
    ["graphql_operation", "/", "query", post(query)],
    ["graphql_name", "/", "Shop", post(query)],
    ["graphql_root_fields", "/", ["owner", "orders", "Rest"], post(query)],
    ["graphql_operation", "/", "query", post(query, "application/json; charset=utf-8")],
    [
      "graphql_operation",
      "/",
      "mutation",
      post('mutation { add(x: {a: [1, 2.5e3], b: $c, d: "\\"", e: E, f: null}) }', "application/graphql"),
    ],
    ["graphql_name", "/", "", post("{ a }", "application/graphql")],
    ["graphql_operation", "/", "query", post("# a comment\n{ a, b }", "application/graphql")],
    [
      "graphql_root_fields",
      "/",
      ["a", "b"],
      post('{ a(s: """block " \\""" } """) b @skip(if: true) ... on T { c } ... @x { d } }', "application/graphql"),
    ],
    ["graphql_operation", "/", "subscription", post("subscription S { a } query Q { b }", "application/graphql")],
    ["graphql_operation", "/?query=mutation%20M%7Ba%7D", "mutation"],
    ["graphql_name", "/?query=mutation%20M%7Ba%7D", "M"],
    ["graphql_operation", "/?x=1", undefined],
    ["graphql_operation", "/", undefined, { ...post(query), method: "PUT" }],
    ["graphql_operation", "/", undefined, post("{ a ", "application/graphql")],
    ["graphql_operation", "/", undefined, post("{ a } }", "application/graphql")],
    ["graphql_operation", "/", undefined, post("{ }", "application/graphql")],
    ["graphql_operation", "/", undefined, post("query Q", "application/graphql")],
    ["graphql_operation", "/", undefined, post("{ a(x: 01) }", "application/graphql")],
    ["graphql_operation", "/", undefined, post('{ a(x: "open) }', "application/graphql")],
    ["graphql_operation", "/", undefined, post('{ a(x: """open) }', "application/graphql")],
    ["graphql_operation", "/", undefined, post("type T { a: Int }", "application/graphql")],
    ["graphql_operation", "/", undefined, post("{ a } trailing", "application/graphql")],
    ["graphql_operation", "/", undefined, post("", "application/graphql")],
    ["graphql_operation", "/", undefined, post('{"query": 1}')],
    ["graphql_operation", "/", undefined, post("[]")],
    ["graphql_operation", "/", undefined, post("{ a }")],
    ["graphql_operation", "/", undefined, post(`${"{a".repeat(100_000)}${"}".repeat(100_000)}`, "application/graphql")],
    ["graphql_operation", "/", undefined, post(`{ a(x: ${"[".repeat(100_000)}) }`, "application/graphql")],
    ["graphql_operation", "/", undefined, post(`{ ${"a ".repeat(600_000)} }`, "application/graphql")],
  ]);

  it("needs the body of a POST, and of no other method", () => {
    assert.equal(read("graphql_operation", "/", { method: "POST" }), NEEDS_BODY);
    assert.equal(read("graphql_operation", "/", { method: "GET" }), undefined);
  });
});

describe("what the gateway knows", () => {
  const facts = { route_id: "7", consumer_name: "ann" };
  check([
    ["route_id", "/", "7", { facts }],
    ["consumer_name", "/", "ann", { facts }],
    ["service_id", "/", undefined, { facts }],
  ]);

  it("is found by plugins as text", () => {
    const variables = new RequestVariables(source("/?a=1&b", { facts }));
    assert.equal(variables.text("arg_a"), "1");
    assert.equal(variables.text("arg_b"), "true");
    assert.equal(variables.text("route_id"), "7");
    assert.equal(variables.text("arg_c"), undefined);
    assert.equal(variables.text("post_arg_a"), undefined);
    assert.equal(variables.text("post_arg.a["), undefined);
  });

  it("includes the parameters of the matched route's path", () => {
    const variables = new RequestVariables({ ...source("/"), params: { id: "7" } });
    assert.equal(variables.text("uri_param_id"), "7");
    assert.equal(variables.text("uri_param_toString"), undefined);
    assert.equal(new RequestVariables(source("/")).text("uri_param_id"), undefined);
  });
});
