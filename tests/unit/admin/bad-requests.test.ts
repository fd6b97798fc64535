import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MAX_BODY } from "../../../src/admin/body.ts";
import { type CallOptions, testAdmin, UPSTREAM, VIEWER } from "./support.ts";

const SECRET = "a-secret-that-nobody-may-read";
const deep = (levels: number) => `{"uri":"/","labels":${'{"a":'.repeat(levels)}1${"}".repeat(levels)}}`;
const route = (fields: Record<string, unknown>) => ({ uri: "/", upstream: UPSTREAM, ...fields });

interface Case {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly body?: unknown;
  readonly options?: CallOptions;
  readonly status: number;
  /** Of the whole reply. */
  readonly says: RegExp;
}

const CASES: readonly Case[] = [
  // Keys.
  { name: "no key", options: { key: "" }, status: 401, says: /failed to check token.*missing apikey/ },
  { name: "a wrong key", options: { key: "nonsense" }, status: 401, says: /failed to check token.*wrong apikey/ },
  { name: "a key's beginning", options: { key: "an-admin-key" }, status: 401, says: /wrong apikey/ },
  {
    name: "a write by a viewer",
    options: { key: VIEWER },
    body: route({}),
    status: 401,
    says: /invalid method for role viewer/,
  },
  { name: "a deletion by a viewer", method: "DELETE", options: { key: VIEWER }, status: 401, says: /role viewer/ },
  {
    name: "a name for loopback that a page chose",
    options: { headers: { host: "evil.example" } },
    body: route({}),
    status: 403,
    says: /evil\.example/,
  },
  // Bodies.
  { name: "no body", status: 400, says: /missing configurations/ },
  { name: "broken JSON", body: '{"uri":', status: 400, says: /invalid request body: must be JSON/ },
  { name: "text", body: "uri=/x", status: 400, says: /invalid request body: must be JSON/ },
  { name: "an array", body: "[]", status: 400, says: /must be a JSON object/ },
  { name: "a number", body: "5", status: 400, says: /must be a JSON object/ },
  { name: "null", body: "null", status: 400, says: /must be a JSON object/ },
  {
    name: "no UTF-8",
    body: new Uint8Array([0x7b, 0xff, 0x7d]),
    status: 400,
    says: /invalid request body: must be UTF-8/,
  },
  { name: "deep JSON", body: deep(40), status: 400, says: /invalid request body: must be at most 32 levels deep/ },
  { name: "JSON deep enough for any stack", body: deep(100_000), status: 400, says: /at most 32 levels/ },
  { name: "a field that is a prototype", body: '{"__proto__":{"uri":"/"}}', status: 400, says: /must not be named/ },
  {
    name: "a number that no double holds",
    body: '{"priority":1e999}',
    status: 400,
    says: /number that a double can hold/,
  },
  {
    name: "more than a body may have",
    body: JSON.stringify(route({ desc: "x".repeat(MAX_BODY) })),
    status: 400,
    says: /request size \d+ is greater than the maximum size 1572864 allowed/,
  },
  {
    name: "more than a resource may have",
    body: route({ labels: Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`label${i}`, "x".repeat(60)])) }),
    status: 400,
    says: /must be at most 262144 bytes/,
  },
  {
    name: "XML",
    body: "<route/>",
    options: { headers: { "content-type": "application/xml" } },
    status: 415,
    says: /invalid content type: .*application\/xml/,
  },
  {
    name: "a form with parts",
    body: "--x--",
    options: { headers: { "content-type": "multipart/form-data; boundary=x" } },
    status: 415,
    says: /invalid content type/,
  },
  // Ids and paths.
  {
    name: "an id that climbs",
    path: "/routes/..%2f..%2fupstreams%2f1",
    body: route({}),
    status: 400,
    says: /the id must be/,
  },
  { name: "an id of two dots", path: "/routes/%2e%2e%2f1", body: route({}), status: 400, says: /the id must be/ },
  { name: "an id with a space", path: "/routes/a%20b", body: route({}), status: 400, says: /the id must be/ },
  { name: "an id with NUL", path: "/routes/a%00", body: route({}), status: 400, says: /the id must be/ },
  { name: "a long id", path: `/routes/${"a".repeat(65)}`, body: route({}), status: 400, says: /the id must be/ },
  { name: "another id in the body", body: route({ id: "2" }), status: 400, says: /^\{"error_msg":"wrong route id"\}$/ },
  { name: "no id at all", path: "/routes", body: route({}), status: 400, says: /missing route id/ },
  {
    name: "an id with POST",
    method: "POST",
    path: "/routes",
    body: route({ id: "2" }),
    status: 400,
    says: /wrong route id, do not need it/,
  },
  {
    name: "another username in the body",
    path: "/consumers/jack",
    body: { username: "rose" },
    status: 400,
    says: /wrong username/,
  },
  {
    name: "a credential of a climbing consumer",
    path: "/consumers/..%2f1/credentials/1",
    body: {},
    status: 400,
    says: /the id must be/,
  },
  { name: "an unknown manager of secrets", path: "/secrets/etcd/1", body: {}, status: 400, says: /vault, aws or gcp/ },
  { name: "an unknown kind", method: "GET", path: "/nothing", status: 404, says: /Unsupported resource type: nothing/ },
  {
    name: "a sub-path that climbs",
    method: "PATCH",
    path: "/routes/r1/__proto__",
    body: {},
    status: 400,
    says: /invalid sub-path/,
  },
  {
    name: "a sub-path through a text",
    method: "PATCH",
    path: "/routes/r1/uri/x",
    body: {},
    status: 400,
    says: /invalid sub-path: \/uri\/x/,
  },
  {
    name: "an index past the end",
    method: "PATCH",
    path: "/routes/r1/methods/7",
    body: '"GET"',
    status: 400,
    says: /invalid sub-path/,
  },
  // Values.
  {
    name: "a wrong type",
    body: route({ uri: 5 }),
    status: 400,
    says: /invalid configuration: uri must be a string, is 5/,
  },
  {
    name: "an unknown field",
    body: route({ urii: "/" }),
    status: 400,
    says: /urii is not a known field.*"path":"urii"/,
  },
  {
    name: "an unknown field further down",
    body: route({ upstream: { ...UPSTREAM, node: 1 } }),
    status: 400,
    says: /upstream\.node is not a known field/,
  },
  {
    name: "a port beyond all",
    body: route({ upstream: { nodes: [{ host: "a", port: 70000, weight: 1 }] } }),
    status: 400,
    says: /upstream\.nodes\[0\]\.port must be an integer from 1 to 65535/,
  },
  {
    name: "an unknown plugin",
    body: route({ plugins: { nothing: {} } }),
    status: 400,
    says: /plugins\.nothing is not a plugin of this gateway/,
  },
  {
    name: "a plugin that only logs and is not there",
    body: route({ plugins: { "kafka-logger": {} } }),
    status: 400,
    says: /kafka-logger is left out/,
  },
  {
    name: "a plugin's wrong configuration",
    body: route({ plugins: { "limit-count": { count: -1 } } }),
    status: 400,
    says: /plugins\.limit-count\.count/,
  },
  {
    name: "an expression that does not compile",
    body: route({ vars: [["uri", "~~", "("]] }),
    status: 400,
    says: /vars/,
  },
  {
    name: "Lua",
    body: route({ filter_func: "function(vars) return true end" }),
    status: 400,
    says: /filter_func is Lua/,
  },
  { name: "a route to nowhere", body: { uri: "/" }, status: 400, says: /at least one of plugins, upstream/ },
  {
    name: "an upstream that is not there",
    body: { uri: "/", upstream_id: "u" },
    status: 400,
    says: /failed to fetch upstream info by upstream id \[u\], response code: 404/,
  },
  {
    name: "a service that is not there",
    body: { uri: "/", service_id: "s" },
    status: 400,
    says: /failed to fetch service info by service id \[s\]/,
  },
  {
    name: "times of one's own",
    body: route({ create_time: 1 }),
    status: 400,
    says: /the property is forbidden: {2}create_time/,
  },
  { name: "a proto", path: "/protos/1", body: { content: "x" }, status: 400, says: /does not serve/ },
  { name: "a stream route", path: "/stream_routes/1", body: {}, status: 400, says: /stream mode is disabled/ },
  {
    name: "a secret in the wrong type",
    path: "/consumers",
    body: { username: "jack", plugins: { "key-auth": { key: [SECRET] } } },
    status: 400,
    says: /plugins\.key-auth\.key/,
  },
  {
    name: "a private key that is none",
    path: "/ssls/1",
    body: { cert: SECRET.repeat(10), key: SECRET.repeat(10), sni: "a" },
    status: 400,
    says: /key must be a private key in PEM/,
  },
  // Queries and conditions.
  {
    name: "a page of 5",
    method: "GET",
    path: "/routes?page=1&page_size=5",
    status: 400,
    says: /page_size must be between 10 and 500/,
  },
  {
    name: "a page of words",
    method: "GET",
    path: "/routes?page=x&page_size=10",
    status: 400,
    says: /page must be an integer/,
  },
  {
    name: "a name that is no expression",
    method: "GET",
    path: "/routes?name=(",
    status: 400,
    says: /invalid argument name/,
  },
  {
    name: "a time to live in words",
    path: "/routes/1?ttl=soon",
    body: route({}),
    status: 400,
    says: /invalid argument ttl: should be a number/,
  },
  { name: "no time to live", path: "/routes/1?ttl=0", body: route({}), status: 400, says: /invalid argument ttl/ },
  {
    name: "an If-Match in words",
    body: route({}),
    options: { headers: { "if-match": "yes" } },
    status: 400,
    says: /invalid If-Match/,
  },
  {
    name: "an If-Match of what is not there",
    body: route({}),
    options: { headers: { "if-match": "7" } },
    status: 412,
    says: /it is not there/,
  },
  {
    name: "an If-Match of another revision",
    path: "/routes/r1",
    body: route({}),
    options: { headers: { "if-match": "7" } },
    status: 412,
    says: /last written at revision 1/,
  },
  // Methods.
  {
    name: "PATCH of a consumer",
    method: "PATCH",
    path: "/consumers/jack",
    body: {},
    status: 405,
    says: /not supported `PATCH` method for consumer/,
  },
  {
    name: "POST of a plugin config",
    method: "POST",
    path: "/plugin_configs",
    body: {},
    status: 405,
    says: /not supported `POST` method for plugin config/,
  },
  { name: "DELETE of all routes", method: "DELETE", path: "/routes", status: 400, says: /missing route id/ },
  { name: "PATCH of what is not there", method: "PATCH", body: {}, status: 404, says: /Key not found/ },
  { name: "PATCH without a body", method: "PATCH", path: "/routes/r1", status: 400, says: /missing new configuration/ },
  {
    name: "PATCH to something bad",
    method: "PATCH",
    path: "/routes/r1",
    body: { uri: null },
    status: 400,
    says: /invalid configuration/,
  },
];

describe("a bad request to the Admin API:", () => {
  it("there are at least 40 of them", () => assert.ok(CASES.length >= 40));

  for (const { name, method = "PUT", path = "/routes/1", body, options = {}, status, says } of CASES) {
    it(`${name} is answered with ${status}`, async () => {
      const admin = testAdmin();
      const stored = await admin.call("PUT", "/routes/r1", route({ methods: ["GET"] }));
      assert.equal(stored.status, 201);
      const before = await admin.source.list("");
      const reply = await admin.call(method, path, body, options);
      assert.match(reply.text, says);
      assert.equal(reply.status, status);
      assert.ok(!reply.text.includes(SECRET), "no secret is in the reply");
      assert.ok(reply.text.length < 4000, "the reply is short");
      assert.match(reply.headers.get("content-type") ?? "", /^application\/json/);
      assert.deepEqual(await admin.source.list(""), before, "nothing was written");
    });
  }
});
