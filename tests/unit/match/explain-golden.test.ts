import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Matcher } from "../../../src/match/matcher.ts";
import { renderExplanation } from "../../../src/match/render.ts";
import type { MatchRoute, RouterName } from "../../../src/match/route.ts";
import { request, type RequestOptions, route } from "./support.ts";

interface Situation {
  readonly name: string;
  readonly router?: RouterName;
  readonly routes: readonly MatchRoute[];
  readonly target: string;
  readonly options?: RequestOptions;
}

const situations: readonly Situation[] = [
  {
    name: "priority-surprise",
    routes: [route("7", "/foo/bar/*"), route("8", "/*", { priority: 1 })],
    target: "/foo/bar/baz",
  },
  {
    name: "wildcard-host",
    routes: [
      route("1", "/*", { hosts: ["*.example.com"] }),
      route("2", "/*", { hosts: ["*.api.example.com"] }),
      route("3", "/*", { hosts: ["example.com"] }),
    ],
    target: "/users",
    options: { host: "eu.api.example.com:8443" },
  },
  {
    name: "method-mismatch",
    routes: [
      route("orders-read", "/orders", { methods: ["GET", "HEAD"] }),
      route("orders-write", "/orders", { methods: ["POST", "PUT"] }),
    ],
    target: "/orders",
    options: { method: "DELETE" },
  },
  {
    name: "vars",
    routes: [
      route("beta", "/shop/*", { vars: [["http_x_beta", "==", "yes"], ["arg_version", ">=", 2]], priority: 10 }),
      route("canary", "/shop/*", { vars: [["cookie_group", "in", ["canary", "staff"]]], priority: 5 }),
      route("stable", "/shop/*"),
    ],
    target: "/shop/cart?version=1",
    options: { headers: ["X-Beta", "yes", "Cookie", "theme=dark; group=staff"] },
  },
  {
    name: "shadowed",
    routes: [route("12", "/login"), route("9", "/login", { methods: ["GET", "POST"] }), route("10", "/login")],
    target: "/login",
  },
  {
    name: "remote-addr",
    routes: [route("office", "/admin/*", { remoteAddrs: ["10.0.0.0/8", "2001:db8::/32"] }), route("public", "/*")],
    target: "/admin/users",
    options: { address: "192.0.2.7" },
  },
  {
    name: "host-fall-through",
    routes: [
      route("1", "/api/*", { hosts: ["shop.example.com"] }),
      route("2", "/static/*", { hosts: ["shop.example.com"], methods: ["GET"] }),
      route("3", "/static/*", { hosts: ["*.example.com"], methods: ["PUT"] }),
      route("4", "/*"),
    ],
    target: "/static/logo.png",
    options: { host: "shop.example.com", method: "HEAD" },
  },
  {
    name: "exact-beats-prefix",
    routes: [
      route("health", "/api/health"),
      route("api", "/api/*", { priority: 100 }),
      route("all", "/*", { priority: 1000 }),
    ],
    target: "/api//v1/../health",
  },
  {
    name: "near-miss",
    routes: [
      route("1", "/users/list", { hosts: ["api.example.com"] }),
      route("2", "/users/", { hosts: ["api.example.com"] }),
      route("3", "/users/list/all", { hosts: ["api.example.com"] }),
      route("4", "/Users/Lists", { hosts: ["api.example.com"] }),
      route("5", "/users/lists", { hosts: ["www.example.com"], methods: ["POST"] }),
      route("6", "/orders/*"),
    ],
    target: "/users/lists",
    options: { host: "api.example.com" },
  },
  {
    name: "other-path",
    routes: [
      route("orders", "/shop/orders/*", { hosts: ["shop.example.com"] }),
      route("cart", "/shop/cart", { hosts: ["shop.example.com"], methods: ["GET"] }),
      route("status", "/status"),
      route("docs", "/docs/*", { hosts: ["docs.example.com"] }),
      route("old", "/shop/basket", { hosts: ["shop.example.com"], disabled: true }),
    ],
    target: "/shop/invoices/2024/1",
    options: { host: "shop.example.com" },
  },
  {
    name: "other-host",
    routes: [
      route("apex", "/users/*", { hosts: ["example.com"] }),
      route("api", "/users/*", { hosts: ["api.example.com"] }),
      route("below", "/users/*", { hosts: ["*.ap.example.com"] }),
      route("other", "/users/*", { hosts: ["www.example.org"] }),
    ],
    target: "/users/7",
    options: { host: "ap.example.com" },
  },
  {
    name: "disabled",
    routes: [route("new", "/checkout/*", { disabled: true }), route("old", "/*")],
    target: "/checkout/pay",
  },
  {
    name: "parameters",
    router: "radixtree_uri_with_parameter",
    routes: [
      route("user", "/users/:id"),
      route("posts", "/users/:id/posts/*rest", { hosts: ["blog.example.com"] }),
      route("by-id", "/users/:id/posts/:post", { vars: [["uri_param_id", "~~", "^[0-9]+$"]] }),
    ],
    target: "/users/42/posts/first%20one",
  },
  {
    name: "needs-body",
    routes: [
      route("pay", "/pay", { vars: ["OR", ["post_arg.amount", ">", 100], ["http_x_large", "==", "1"]] }),
      route("any", "/*"),
    ],
    target: "/pay",
    options: { method: "POST" },
  },
];

const update = process.env["UPDATE_GOLDEN"] === "1";

describe("explanations as text", () => {
  for (const { name, router = "radixtree_host_uri", routes, target, options } of situations) {
    it(`read as in explain/${name}.txt`, () => {
      const matcher = new Matcher<string>({ router });
      for (const one of routes) assert.deepEqual(matcher.set(one, one.id), []);
      const text = renderExplanation(matcher.explain(request(target, options)));
      const file = new URL(`../../golden/explain/${name}.txt`, import.meta.url);
      if (update || !existsSync(file)) writeFileSync(file, text);
      assert.equal(text, readFileSync(file, "utf8"));
    });
  }
});

describe("renderExplanation", () => {
  it("lets nothing that a client sends steer a terminal", () => {
    const matcher = new Matcher<string>();
    matcher.set(route("1", "/a*", { vars: [["arg_x", "==", "1"]] }), "1");
    const text = renderExplanation(matcher.explain(request("/a%1b[2J%0a%e2%80%ae%ff?x=%1b[31m", { host: "a\u009b" })));
    assert.match(text, /\/a\\u001b\[2J\\u000a\\u202e\\udcff/);
    // deno-lint-ignore no-control-regex -- none of them may be there
    assert.doesNotMatch(text.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f]/);
  });

  it("colours only where asked", () => {
    const matcher = new Matcher<string>();
    matcher.set(route("1", "/a", { methods: ["POST"] }), "1");
    const told = matcher.explain(request("/a"));
    const plain = renderExplanation(told);
    const colored = renderExplanation(told, { color: true });
    assert.equal(plain.includes("\x1b"), false);
    assert.ok(colored.includes("\x1b[31mfail\x1b[39m"));
    // deno-lint-ignore no-control-regex -- the escapes are what this is about
    assert.equal(colored.replace(/\x1b\[\d+m/g, ""), plain);
  });

  it("stays bounded where thousands of routes share a place", () => {
    const matcher = new Matcher<string>();
    for (let i = 0; i < 3000; i++) matcher.set(route(String(i), "/a", { vars: [["arg_x", "==", String(i)]] }), "1");
    const told = matcher.explain(request("/a?x=2999"));
    assert.equal(told.winner?.id, "2999");
    assert.equal(told.levels[0]!.paths[0]!.candidates.length, 21);
    assert.equal(told.levels[0]!.paths[0]!.omitted, 2979);
    assert.match(renderExplanation(told), /and 2979 more/);
    const other = matcher.explain(request("/other"));
    assert.equal(other.nearest.length, 3);
    const missed = matcher.explain(request("/a?x=none"));
    assert.equal(missed.nearest.length, 5);
    assert.ok(JSON.stringify(missed).length < 20_000);
  });
});
