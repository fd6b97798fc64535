import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

describe("proxy-rewrite", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  const targets: { config: Record<string, unknown>; target: string; becomes: string }[] = [
    { config: { host: "a.test" }, target: "/a%2Fb//c/../%e4?x=%20y", becomes: "/a%2Fb//c/../%e4?x=%20y" },
    { config: { uri: "/new" }, target: "/old", becomes: "/new" },
    { config: { uri: "/new" }, target: "/old?a=1", becomes: "/new?a=1" },
    { config: { uri: "/new" }, target: "/old?", becomes: "/new" },
    { config: { uri: "/new?b=2" }, target: "/old?a=1", becomes: "/new?b=2&a=1" },
    { config: { uri: "/new?b=2" }, target: "/old", becomes: "/new?b=2" },
    { config: { uri: "/new/$arg_name" }, target: "/old?name=jack", becomes: "/new/jack?name=jack" },
    { config: { uri: "/new/${arg_name ?? nobody}" }, target: "/old", becomes: "/new/nobody" },
    { config: { uri: "/$uri/remain" }, target: "/hello", becomes: "//hello/remain" },
    {
      config: { uri: "/$uri/remain" },
      target: "/hello%3f0z=700%26a=c%20HTTP/1.1%0D%0AHost:google.com%0d%0a%0d%0a",
      becomes: "//hello%253F0z=700&a=c%20HTTP/1.1%0D%0AHost:google.com%0D%0A%0D%0A/remain",
    },
    {
      config: { uri: "/a b?q=$arg_q" },
      target: "/?q=x%0d%0ay%26%C3%A4",
      becomes: "/a%20b?q=x%0D%0Ay&%C3%A4&q=x%0d%0ay%26%C3%A4",
    },
    { config: { uri: "/a%20b" }, target: "/", becomes: "/a%2520b" },
    {
      config: { regex_uri: ["^/test/(.*)/(.*)/(.*)", "/$1_$2_$3?a=c"] },
      target: "/test/plugin/proxy/rewrite",
      becomes: "/plugin_proxy_rewrite?a=c",
    },
    {
      config: { regex_uri: ["^/test/(.*)/(.*)/(.*)", "/$1_$2_$3?a=c"] },
      target: "/test/plugin/proxy/rewrite?x=1",
      becomes: "/plugin_proxy_rewrite?a=c&x=1",
    },
    { config: { regex_uri: ["^/hello", "/world$0$$"] }, target: "/hello/x", becomes: "/world/hello$/x" },
    { config: { regex_uri: ["^/a", "/b"] }, target: "/c%2Fd//e", becomes: "/c%2Fd//e" },
    {
      config: { regex_uri: ["^/x/(.*)", "/1/$1", "^/y/(.*)", "/2/$1", "^/y/.*", "/3"] },
      target: "/y/z",
      becomes: "/2/z",
    },
    {
      config: { regex_uri: ["(?s)^(.*)$", "/new$1"] },
      target: "/hello%3f0z=700%26a=c%20HTTP/1.1%0D%0AHost:google.com%0d%0a%0d%0a",
      becomes: "/new/hello%3F0z=700&a=c%20HTTP/1.1%0D%0AHost:google.com%0D%0A%0D%0A",
    },
    { config: { regex_uri: ["^/(.*)$", "$1"] }, target: "/http://x", becomes: "/http:/x" },
    { config: { regex_uri: ["^/(.*)$", "/$1"] }, target: "/%FF%C3%A4%22%7c", becomes: "/%FF%C3%A4%22%7C" },
    { config: { uri: "/new", regex_uri: ["^/a", "/b"] }, target: "/a", becomes: "/new" },
    {
      config: { use_real_request_uri_unsafe: true },
      target: "/a%2Fb//c/..?x=%20y",
      becomes: "/a%2Fb//c/..?x=%20y",
    },
    {
      config: { use_real_request_uri_unsafe: true, uri: "/new?b" },
      target: "/a%2Fb?x=%20y",
      becomes: "/new?b&x=%20y",
    },
    {
      config: { use_real_request_uri_unsafe: true, regex_uri: ["^/a(.*)", "/b$1"] },
      target: "/a%2Fb?x=%20y",
      becomes: "/b%2Fb?x=%20y",
    },
    {
      config: { use_real_request_uri_unsafe: true, uri: "/$arg_x" },
      target: "/?x=%0d%0aHost:%20evil",
      becomes: "/%0D%0AHost:%20evil?x=%0d%0aHost:%20evil",
    },
  ];
  for (const { config, target, becomes } of targets) {
    it(`${JSON.stringify(config)}: ${target} becomes ${becomes}`, async () => {
      await gateway.route({ "proxy-rewrite": config });
      assert.equal((await gateway.send(target)).echoed().target, becomes);
    });
  }

  it("leaves out a key that authentication has taken out of the query", async () => {
    await gateway.route({ "proxy-rewrite": { uri: "/new" }, "key-auth": { hide_credentials: true } }, {
      "consumers/jack": { username: "jack", plugins: { "key-auth": { key: "jacks" } } },
    });
    assert.equal((await gateway.send("/old?apikey=jacks&a=1")).echoed().target, "/new?a=1");
  });

  it("works on what a global rule's proxy-rewrite left", async () => {
    await gateway.route({ "proxy-rewrite": { regex_uri: ["^/api/(.*)", "/v2/$1"] } }, {
      "global_rules/1": { plugins: { "proxy-rewrite": { regex_uri: ["^/ext(/.*)", "/api$1"] } } },
    });
    assert.equal((await gateway.send("/ext/x?y")).echoed().target, "/v2/x?y");
  });

  it("sets host", async () => {
    await gateway.route({ "proxy-rewrite": { host: "a.test:8080" } });
    assert.equal((await gateway.send("/")).echoed().header("host"), "a.test:8080");
  });

  it("sets method", async () => {
    await gateway.route({ "proxy-rewrite": { method: "POST" } });
    const seen = (await gateway.send("/", { method: "PUT", body: "x" })).echoed();
    assert.deepEqual([seen.method, seen.body], ["POST", "x"]);
  });

  it("answers GET that is sent on as HEAD, without a body", async () => {
    await gateway.route({ "proxy-rewrite": { method: "HEAD" } });
    const answer = await gateway.send("/");
    assert.equal(gateway.origin.seen.at(-1)!.method, "HEAD");
    assert.deepEqual([answer.status, answer.text, answer.header("content-length")], [200, "", "0"]);
  });

  it("answers HEAD that is sent on as GET, without a body", async () => {
    await gateway.route({ "proxy-rewrite": { method: "GET" } });
    const answer = await gateway.send("/", { method: "HEAD" });
    assert.equal(gateway.origin.seen.at(-1)!.method, "GET");
    assert.deepEqual([answer.status, answer.text], [200, ""]);
  });

  it("adds, sets and removes fields, in this order", async () => {
    await gateway.route({
      "proxy-rewrite": {
        headers: {
          add: { "X-Tag": "added", "X-Two": ["1", 2], "X-Gone": "x" },
          set: { "X-Set": "new", "X-Many": ["a", "b"], "X-Number": 12.5, "X-Empty": "" },
          remove: ["X-Old", "x-gone"],
        },
      },
    });
    const headers = ["X-Tag", "mine", "X-Set", "old", "x-set", "older", "X-OLD", "1", "X-Many", "c"];
    const { headers: seen } = (await gateway.send("/", { headers })).echoed();
    const all = (name: string) => seen.filter((_, i) => i % 2 === 1 && seen[i - 1]!.toLowerCase() === name);
    assert.deepEqual(all("x-tag"), ["mine", "added"]);
    assert.deepEqual(all("x-two"), ["1", "2"]);
    assert.deepEqual(all("x-set"), ["new"]);
    assert.deepEqual(all("x-many"), ["a", "b"]);
    assert.deepEqual(all("x-number"), ["12.5"]);
    assert.deepEqual(all("x-empty"), [""]);
    assert.deepEqual(all("x-old"), []);
    assert.deepEqual(all("x-gone"), []);
  });

  it("sets the fields of an object without verbs", async () => {
    await gateway.route({ "proxy-rewrite": { headers: { "X-Api-Version": "v2", add: "a field's name" } } });
    const seen = (await gateway.send("/", { headers: { "x-api-version": "v1" } })).echoed();
    assert.equal(seen.header("x-api-version"), "v2");
    assert.equal(seen.header("add"), "a field's name");
  });

  it("sets Host as a field", async () => {
    await gateway.route({ "proxy-rewrite": { headers: { set: { Host: "$arg_to" } } } });
    const seen = (await gateway.send("/?to=b.test")).echoed();
    assert.deepEqual(seen.headers.filter((name, i) => i % 2 === 0 && name.toLowerCase() === "host").length, 1);
    assert.equal(seen.header("host"), "b.test");
  });

  it("fills variables and groups in, once", async () => {
    await gateway.route({
      "proxy-rewrite": {
        regex_uri: ["^/test/([^/]*)/([^/]*)", "/$2"],
        headers: {
          set: { "X-Groups": "$1-${2}-$3", "X-Host": "$host:$server_port", "X-Dollar": "\\$1", "X-Tag": "a$1_b" },
        },
      },
    });
    const seen = (await gateway.send("/test/$host/b%0d%0aX-Evil:%201")).echoed();
    assert.equal(seen.header("x-groups"), "$host-b%0D%0AX-Evil: 1-");
    assert.equal(seen.header("x-host"), `localhost:${gateway.port}`);
    assert.equal(seen.header("x-dollar"), "$1");
    assert.equal(seen.header("x-tag"), "a$host_b");
    assert.equal(seen.header("x-evil"), undefined);
  });

  it("has no groups where no pair took the path", async () => {
    await gateway.route({
      "proxy-rewrite": { regex_uri: ["^/test/(.*)", "/$1"], headers: { set: { "X-A": "[$1]" } } },
    });
    assert.equal((await gateway.send("/else")).echoed().header("x-a"), "[]");
  });

  itRejects(() => gateway, "proxy-rewrite", "route", [
    { config: { uri: "new" }, issues: ["uri: must be a path that begins with '/', is \"new\""] },
    {
      config: { uri: "/${post_arg.[}" },
      issues: [
        "uri: must be a template: must be a JSONPath of names, [n], [*], ['name'], .* and .., is \"[\": see character 1",
      ],
    },
    {
      config: { method: "FETCH" },
      issues: [
        "method: must be one of GET, POST, PUT, HEAD, DELETE, OPTIONS, MKCOL, COPY, MOVE, PROPFIND, LOCK, UNLOCK, PATCH, " +
        'TRACE, is "FETCH"',
      ],
    },
    { config: { regex_uri: ["^/a"] }, issues: ["regex_uri: must have at least 2 items, is an array"] },
    {
      config: { regex_uri: ["^/a", "/b", "^/c"] },
      issues: ["regex_uri: must have an even number of items: a regular expression and a template each"],
    },
    {
      config: { regex_uri: ["^/a", "/b", "(?=x)", "/d"] },
      issues: [
        "regex_uri: has an item [2] that must be a regular expression of RE2's syntax (linear time: no back references, " +
        'look-around, atomic groups), is "(?=x)": invalid or unsupported Perl syntax: `(?=`',
      ],
    },
    {
      config: { host: "a/b" },
      issues: ['host: must be a host, perhaps with a port, as in example.com:8080, is "a/b"'],
    },
    { config: { headers: { set: {} } }, issues: ["headers.set: must have at least 1 field, is an empty object"] },
    { config: { headers: {} }, issues: ["headers: must have at least 1 field, is an empty object"] },
    { config: { headers: { remove: [] } }, issues: ["headers.remove: must have at least 1 item, is an empty array"] },
    {
      config: { headers: { set: { "a:b": "x" } } },
      issues: ['headers.set: has a field "a:b" whose name must be the name of a header field (an RFC 9110 token)'],
    },
    {
      config: { headers: { add: { "Content-Length": "0" } } },
      issues: [
        'headers.add: has a field "Content-Length" whose name must not be a field that frames the message or belongs to a connection',
      ],
    },
    {
      config: { headers: { "X-A": "a\r\nb" } },
      issues: ['headers.X-A: must not hold control characters, is "a\\r\\nb"'],
    },
    {
      config: { headers: { set: { "X-A": true } } },
      issues: ["headers.set.X-A: must be a string or a number, is true"],
    },
    {
      config: { use_real_request_uri_unsafe: "yes" },
      issues: ['use_real_request_uri_unsafe: must be true or false, is "yes"'],
    },
  ]);
});
