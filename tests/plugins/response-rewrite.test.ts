import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { itRejects } from "../support/faults.ts";
import { string } from "../support/raw.ts";
import type { OriginAnswer } from "../support/echo-origin.ts";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";

const UTF8 = new TextEncoder();

describe("response-rewrite", () => {
  let gateway: PluginGateway;
  before(async () => {
    gateway = await startPluginGateway();
  });
  after(() => gateway.close());

  /** One request through a route with this configuration, to an origin with this answer. */
  async function ask(
    config: Record<string, unknown>,
    origin: OriginAnswer | undefined = undefined,
    request: Parameters<PluginGateway["send"]>[1] & { target?: string } = {},
  ) {
    await gateway.route({ "response-rewrite": config });
    gateway.origin.respond = () => origin;
    try {
      return await gateway.send(request.target, request);
    } finally {
      gateway.origin.respond = () => undefined;
    }
  }

  const page: OriginAnswer = {
    headers: [
      "Content-Type",
      "text/plain",
      "ETag",
      '"1"',
      "Last-Modified",
      "Mon, 01 Jan 2024 00:00:00 GMT",
      "X-Old",
      "1",
    ],
    body: "hello hello",
  };

  it("sets status_code and leaves the body", async () => {
    const answer = await ask({ status_code: 404 }, page);
    assert.deepEqual([answer.status, answer.text], [404, "hello hello"]);
    assert.equal(answer.header("etag"), '"1"');
    assert.equal(answer.header("content-length"), "11");
  });

  for (const [status, text] of [[204, ""], [304, ""], [205, ""]] as const) {
    it(`drops the body with status ${status}`, async () => {
      const answer = await ask({ status_code: status }, page);
      assert.deepEqual([answer.status, answer.text], [status, text]);
      assert.equal((await gateway.send("/")).status, status);
    });
  }

  it("sets body, and takes away what belonged to the old one", async () => {
    const answer = await ask({ body: "new bödy\n" }, page);
    assert.deepEqual([answer.status, answer.text], [200, string(UTF8.encode("new bödy\n"))]);
    assert.equal(answer.header("content-length"), "10");
    assert.equal(answer.header("content-type"), "text/plain");
    for (const name of ["etag", "last-modified"]) assert.equal(answer.header(name), undefined, name);
  });

  it("sets an empty body", async () => {
    const answer = await ask({ body: "" }, page);
    assert.deepEqual([answer.text, answer.header("content-length")], ["", "0"]);
  });

  it("sets body in base64", async () => {
    assert.equal((await ask({ body: "/wABaGk=", body_base64: true }, page)).text, "\xff\x00\x01hi");
  });

  it("sets the body of a compressed answer", async () => {
    const body = new Uint8Array(gzipSync("x".repeat(5000)));
    const answer = await ask({ body: "new" }, { headers: ["Content-Encoding", "gzip"], body });
    assert.deepEqual([answer.text, answer.header("content-encoding")], ["new", undefined]);
  });

  it("keeps the node's connection where the body is replaced", async () => {
    await ask({ body: "new" }, { chunks: ["a", "b", "c"] });
    for (let i = 0; i < 3; i++) assert.equal((await gateway.send("/")).text, "new");
  });

  it("answers HEAD without a body", async () => {
    const answer = await ask({ body: "new" }, page, { method: "HEAD" });
    assert.deepEqual([answer.status, answer.text, answer.header("content-length")], [200, "", "3"]);
    const filtered = await ask({ filters: [{ regex: "l", replace: "L" }] }, page, { method: "HEAD" });
    assert.deepEqual([filtered.status, filtered.text], [200, ""]);
  });

  it("adds, sets and removes fields", async () => {
    const answer = await ask(
      {
        headers: {
          add: ["Set-Cookie: a=1; Max-Age=60", "Set-Cookie: b=$arg_b", "X-Old: 2", "X-Url: http://a:80/"],
          set: { "X-New": "$request_method $status ${sent_http_content_type}", "X-Number": 3, "Content-Type": "" },
          remove: ["ETag", "x-missing"],
        },
      },
      page,
      { target: "/?b=%0d%0aX-Evil:1" },
    );
    assert.deepEqual(answer.headersOf("set-cookie"), ["a=1; Max-Age=60", "b=%0D%0AX-Evil:1"]);
    assert.deepEqual(answer.headersOf("x-old").join(", "), "1, 2");
    assert.equal(answer.header("x-url"), "http://a:80/");
    assert.equal(answer.header("x-new"), "GET 200 text/plain");
    assert.equal(answer.header("x-number"), "3");
    for (const name of ["content-type", "etag", "x-evil"]) assert.equal(answer.header(name), undefined, name);
    assert.equal(answer.text, "hello hello");
  });

  it("tells of the upstream", async () => {
    const headers = {
      set: { "X-Upstream": "$upstream_addr $upstream_status", "X-Node": "$balancer_ip:$balancer_port" },
    };
    const answer = await ask({ headers, status_code: 299 }, { status: 201 });
    assert.equal(answer.header("x-upstream"), `127.0.0.1:${gateway.origin.port} 201`);
    assert.equal(answer.header("x-node"), `127.0.0.1:${gateway.origin.port}`);
  });

  it("sets the fields of an object without verbs", async () => {
    const answer = await ask({ headers: { "X-Server-id": 3, "X-Server-status": "on", ETag: "" } }, page);
    assert.equal(answer.header("x-server-id"), "3");
    assert.equal(answer.header("x-server-status"), "on");
    assert.equal(answer.header("etag"), undefined);
  });

  const filters: { filters: Record<string, unknown>[]; body: string; becomes: string }[] = [
    { filters: [{ regex: "hello", replace: "test" }], body: "hello hello", becomes: "test hello" },
    { filters: [{ regex: "hello", replace: "test", scope: "once" }], body: "hello hello", becomes: "test hello" },
    { filters: [{ regex: "hello", replace: "test", scope: "global" }], body: "hello hello", becomes: "test test" },
    { filters: [{ regex: "hello", replace: "" }], body: "hello you", becomes: " you" },
    { filters: [{ regex: "HELLO", replace: "x", options: "i" }], body: "hello", becomes: "x" },
    { filters: [{ regex: "HELLO", replace: "x" }], body: "hello", becomes: "hello" },
    { filters: [{ regex: "^b.c", replace: "x", options: "ms", scope: "global" }], body: "a\nb\nc", becomes: "a\nx" },
    { filters: [{ regex: "(\\w+) (\\w+)", replace: "$2 ${1}$$ [$0]" }], body: "a b", becomes: "b a$ [a b]" },
    {
      filters: [{ regex: "a", replace: "b", scope: "global" }, { regex: "bb", replace: "c" }],
      body: "aba",
      becomes: "cb",
    },
    { filters: [{ regex: "x*", replace: "-", scope: "global" }], body: "abc", becomes: "-a-b-c-" },
    { filters: [{ regex: "ö", replace: "oe" }], body: string(UTF8.encode("schön")), becomes: "schoen" },
    {
      filters: [{ regex: "n", replace: "ñ" }],
      body: "\xff\xfen\x80",
      becomes: `\xff\xfe${string(UTF8.encode("ñ"))}\x80`.replace("\xc3\xb1", "\xf1"),
    },
  ];
  for (const { filters: list, body, becomes } of filters) {
    it(`filters ${JSON.stringify(body)} with ${JSON.stringify(list)}`, async () => {
      assert.equal((await ask({ filters: list }, { body })).text, becomes);
      const pieces = await ask({ filters: list }, { chunks: [...body] });
      assert.deepEqual([pieces.text, pieces.header("content-length")], [becomes, String(becomes.length)]);
    });
  }

  it("takes away validators of a filtered body", async () => {
    const answer = await ask({ filters: [{ regex: "x", replace: "y" }] }, page);
    for (const name of ["etag", "last-modified"]) assert.equal(answer.header(name), undefined, name);
  });

  it("filters a compressed body", async () => {
    const body = new Uint8Array(gzipSync("hello hello"));
    const answer = await ask({ filters: [{ regex: "hello", replace: "bye" }] }, {
      headers: ["Content-Encoding", "gzip"],
      body,
    });
    assert.deepEqual([answer.text, answer.header("content-encoding")], ["bye hello", undefined]);
  });

  it("does not ask for what it could not read", async () => {
    await ask({ filters: [{ regex: "x", replace: "y" }] }, undefined, {
      headers: { "Accept-Encoding": "zstd, gzip;q=0.5, *" },
    });
    const { headers } = gateway.origin.seen.at(-1)!;
    assert.deepEqual(headers.filter((_, i) => headers[i - 1] === "Accept-Encoding"), ["gzip;q=0.5"]);
    await ask({ body: "x" }, undefined, { headers: { "Accept-Encoding": "zstd" } });
    assert.ok(gateway.origin.seen.at(-1)!.headers.includes("zstd"));
  });

  const unreadable: [string, OriginAnswer][] = [
    ["of an unknown coding", { headers: ["Content-Encoding", "compress"], body: "hello" }],
    ["that is not what it says", { headers: ["Content-Encoding", "gzip"], body: "hello" }],
    ["that is too long", { body: "hello".repeat(100) }],
    ["that is too long once decoded", {
      headers: ["Content-Encoding", "gzip"],
      body: new Uint8Array(gzipSync("x".repeat(500))),
    }],
  ];
  for (const [what, origin] of unreadable) {
    it(`answers 502 rather than pass on unfiltered a body ${what}`, async () => {
      const answer = await ask({ filters: [{ regex: "hello", replace: "bye" }], max_resp_body_size: 100 }, origin);
      assert.deepEqual([answer.status, answer.json()], [502, { error_msg: "502 Bad Gateway" }]);
    });
  }

  it("rewrites only where vars hold", async () => {
    const config = { vars: [["status", "==", 500], ["arg_a", "==", "1"]], body: "sorry" };
    assert.equal((await ask(config, { status: 500, body: "x" }, { target: "/?a=1" })).text, "sorry");
    assert.equal((await ask(config, { status: 500, body: "x" }, { target: "/?a=2" })).text, "x");
    assert.equal((await ask(config, { status: 200, body: "x" }, { target: "/?a=1" })).text, "x");
  });

  it("rewrites what other plugins answer, after they have", async () => {
    await gateway.route({
      "response-rewrite": {
        vars: [["status", "==", 401]],
        status_code: 403,
        body: "no",
        headers: { set: { "X-A": "1" } },
      },
      "key-auth": {},
      "request-id": {},
    });
    const answer = await gateway.send("/");
    assert.deepEqual([answer.status, answer.text, answer.header("x-a")], [403, "no", "1"]);
    assert.match(answer.header("x-request-id") ?? "", /-/);
  });

  it("rewrites the gateway's own errors, also where no route takes the request", async () => {
    await gateway.put({
      "routes/1": {
        uri: "/a",
        upstream: { nodes: { "127.0.0.1:1": 1 } },
        plugins: { "response-rewrite": { body: "down" } },
      },
      "global_rules/1": { plugins: { "response-rewrite": { headers: { set: { "X-Global": "$status" } } } } },
    });
    const down = await gateway.send("/a");
    assert.deepEqual([down.status, down.text, down.header("x-global")], [502, "down", "502"]);
    const none = await gateway.send("/b");
    assert.deepEqual([none.status, none.header("x-global")], [404, "404"]);
    await gateway.put({ "global_rules/1": undefined });
  });

  it("passes a body on as it streams where only the head changes", async () => {
    let release = (): void => {};
    const second = new Promise<void>((resolve) => release = resolve);
    async function* chunks() {
      yield "first";
      await second;
      yield "second";
    }
    await gateway.route({ "response-rewrite": { headers: { set: { "X-A": "1" } }, status_code: 201 } });
    gateway.origin.respond = () => ({ chunks: chunks() });
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/`);
    const reader = answer.body!.getReader();
    assert.equal(string((await reader.read()).value!), "first");
    release();
    assert.equal(string((await reader.read()).value!), "second");
    assert.equal((await reader.read()).done, true);
    gateway.origin.respond = () => undefined;
  });

  itRejects(() => gateway, "response-rewrite", "route", [
    { config: { body: 2 }, issues: ["body: must be a string, is 2"] },
    { config: { status_code: 199 }, issues: ["status_code: must be an integer from 200 to 598, is 199"] },
    { config: { status_code: 599 }, issues: ["status_code: must be an integer from 200 to 598, is 599"] },
    { config: { max_resp_body_size: 0 }, issues: ["max_resp_body_size: must be an integer of at least 1, is 0"] },
    {
      config: { body: "x", filters: [{ regex: "a", replace: "b" }] },
      issues: ["filters: must not be there together with body"],
    },
    { config: { body_base64: true }, issues: ["body: must be base64, and not empty, since body_base64 is true"] },
    {
      config: { body: "?", body_base64: true },
      issues: ["body: must be base64, and not empty, since body_base64 is true"],
    },
    { config: { filters: [] }, issues: ["filters: must have at least 1 item, is an empty array"] },
    { config: { filters: [{ replace: "b" }] }, issues: ["filters[0].regex: is required"] },
    { config: { filters: [{ regex: "a" }] }, issues: ["filters[0].replace: is required"] },
    {
      config: { filters: [{ regex: "a", replace: "b", scope: "all" }] },
      issues: ['filters[0].scope: must be one of once, global, is "all"'],
    },
    {
      config: { filters: [{ regex: "a", replace: "b", options: "x" }] },
      issues: [
        'filters[0].options: must be any of the letters i, j, m, o, s, u (a, d, x, D, J, U are not supported), is "x"',
      ],
    },
    {
      config: { filters: [{ regex: "a", replace: "b" }, { regex: "\\1", replace: "b" }] },
      issues: [
        "filters: has an item [1] whose pattern must be a regular expression of RE2's syntax (linear time: no back references, " +
        'look-around, atomic groups), is "\\\\1": invalid escape sequence: `\\1`',
      ],
    },
    {
      config: { vars: [["status", "is", 1]] },
      issues: ['vars[0]: must have one of == ~= > >= < <= ~~ ~* in has ipmatch as its operator, has "is"'],
    },
    {
      config: { headers: { add: ["X-A"] } },
      issues: ["headers.add[0]: must be a header field as in 'X-Name: value', is \"X-A\""],
    },
    {
      config: { headers: { add: ["Transfer-Encoding: chunked"] } },
      issues: [
        "headers.add: has an item [0] that must not be a field that frames the message or belongs to a connection",
      ],
    },
    {
      config: { headers: { set: { "X A": "1" } } },
      issues: ['headers.set: has a field "X A" whose name must be the name of a header field (an RFC 9110 token)'],
    },
    {
      config: { headers: { remove: ["a:b"] } },
      issues: ['headers.remove[0]: must be the name of a header field (an RFC 9110 token), is "a:b"'],
    },
  ]);
});
