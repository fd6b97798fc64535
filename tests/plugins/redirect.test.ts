import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { itRejects } from "../support/faults.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

describe("redirect", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway({ trustedProxies: ["127.0.0.1"] });
  });
  after(() => gateway.close());

  interface Case {
    readonly config: Record<string, unknown>;
    readonly target: string;
    readonly location: string;
    readonly status?: number;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
  }
  const https = { http_to_https: true };
  const cases: Case[] = [
    { config: { uri: "/test/add" }, target: "/hello", location: "/test/add" },
    { config: { uri: "/test/add", ret_code: 301 }, target: "/hello", location: "/test/add", status: 301 },
    { config: { uri: "$uri/test/add" }, target: "/hello", location: "/hello/test/add" },
    { config: { uri: "$uri/test/a${arg_name}c" }, target: "/hello?name=json", location: "/hello/test/ajsonc" },
    { config: { uri: "/foo$$uri" }, target: "/hello", location: "/foo$/hello" },
    { config: { uri: "\\$uri/foo$uri\\$uri/bar" }, target: "/hello", location: "\\$uri/foo/hello\\$uri/bar" },
    { config: { uri: "$uri/$bad_var/bar" }, target: "/hello", location: "/hello//bar" },
    { config: { uri: "https://$host.example.com$uri" }, target: "/a", location: "https://localhost.example.com/a" },
    { config: { uri: "$uri" }, target: "/with%20space%0d%0a%C3%A4", location: "/with%20space%0D%0A%C3%A4" },
    { config: { uri: "$uri?type=string" }, target: "/hello?name=json", location: "/hello?type=string" },
    {
      config: { uri: "$uri", append_query_string: true },
      target: "/hello?name=json",
      location: "/hello?name=json",
    },
    { config: { uri: "$uri", append_query_string: true }, target: "/hello?", location: "/hello" },
    {
      config: { uri: "$uri?type=string", append_query_string: true },
      target: "/hello?name=json",
      location: "/hello?type=string&name=json",
    },
    { config: { uri: "$uri", encode_uri: true }, target: "/a%25%23b?c", location: "/a%25%23b" },
    { config: { uri: "$uri" }, target: "/a%25b", location: "/a%b" },
    {
      config: { regex_uri: ["^/test/(.*)", "http://test.com/${1}"] },
      target: "/test/1",
      location: "http://test.com/1",
    },
    {
      config: { regex_uri: ["^/test/(.*)", "http://test.com/$1"], encode_uri: true },
      target: "/test/with%20space%7B%7D",
      location: "http://test.com/with%20space%7B%7D",
    },
    { config: https, target: "/hello?a=b%20c", location: "https://foo.com/hello?a=b%20c", status: 301 },
    { config: https, target: "/%E4//./x", location: "https://foo.com/%E4//./x", status: 301, method: "HEAD" },
    { config: https, target: "/hello", location: "https://foo.com/hello", status: 308, method: "POST" },
    {
      config: https,
      target: "/",
      location: "https://foo.com/",
      status: 301,
      headers: { Host: "foo.com:9080", "X-Forwarded-Proto": "http" },
    },
  ];
  for (const { config, target, location, status = 302, method = "GET", headers } of cases) {
    it(`${method} ${target} with ${JSON.stringify(config)}: ${status} ${location}`, async () => {
      await gateway.route({ redirect: config });
      const seen = gateway.origin.seen.length;
      const own = config === https ? { Host: "foo.com" } : undefined;
      const answer = await gateway.send(target, { method, headers: headers ?? own ?? {} });
      assert.equal(answer.status, status);
      assert.equal(answer.header("location"), location);
      assert.equal(answer.text, "");
      assert.equal(gateway.origin.seen.length, seen);
    });
  }

  it("passes on what regex_uri does not match", async () => {
    await gateway.route({ redirect: { regex_uri: ["^/test/(.*)", "/other/$1"] } });
    assert.equal((await gateway.send("/else")).echoed().target, "/else");
  });

  it("passes on what a trusted proxy had over https", async () => {
    await gateway.route({ redirect: https });
    assert.equal((await gateway.send("/x", { headers: { "X-Forwarded-Proto": "https" } })).echoed().target, "/x");
  });

  it("does not believe anybody else", async () => {
    const strict = await startPluginGateway();
    try {
      await strict.route({ redirect: https });
      assert.equal((await strict.send("/x", { headers: { "X-Forwarded-Proto": "https" } })).status, 301);
    } finally {
      await strict.close();
    }
  });

  it("passes on where http_to_https is false", async () => {
    await gateway.route({ redirect: { http_to_https: false } });
    assert.equal((await gateway.send("/x")).status, 200);
  });

  itRejects(() => gateway, "redirect", "route", [
    { config: {}, issues: [": must have exactly one of uri, regex_uri, http_to_https"] },
    {
      config: { uri: "/a", http_to_https: true },
      issues: [": must have exactly one of uri, regex_uri, http_to_https"],
    },
    { config: { uri: "/" }, issues: ['uri: must be a string of 2 to 4096 characters, is "/"'] },
    { config: { uri: "/a", ret_code: 199 }, issues: ["ret_code: must be an integer from 200 to 599, is 199"] },
    {
      config: { regex_uri: ["^/a"] },
      issues: ["regex_uri: must have two items: a regular expression and a template, is an array"],
    },
    {
      config: { http_to_https: true, append_query_string: true },
      issues: ["append_query_string: must not be there together with http_to_https, which keeps the query anyway"],
    },
    {
      config: { regex_uri: ["(", "/a"] },
      issues: [
        "regex_uri: has a pattern that must be a regular expression of RE2's syntax (linear time: no back references, " +
        'look-around, atomic groups), is "(": missing closing ): `(`',
      ],
    },
    {
      config: { regex_uri: ["a", "$x"] },
      issues: [
        'regex_uri: has a replacement that must write a dollar sign as "$$", a group as "$1" or "${1}", is "$x"',
      ],
    },
  ]);
});
