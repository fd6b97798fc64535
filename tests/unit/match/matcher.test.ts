import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Matcher } from "../../../src/match/matcher.ts";
import { compareIds } from "../../../src/match/rank.ts";
import type { MatchRoute } from "../../../src/match/route.ts";
import { request, type RequestOptions, route } from "./support.ts";

function build(routes: readonly MatchRoute[], router?: Matcher<string>["router"]): Matcher<string> {
  const matcher = new Matcher<string>(router === undefined ? {} : { router });
  for (const one of routes) assert.deepEqual(matcher.set(one, one.id), []);
  return matcher;
}

function idOf(matcher: Matcher<string>, target: string, options?: RequestOptions): string | undefined {
  const found = matcher.match(request(target, options));
  return found === "body" ? "body" : found?.id;
}

describe("Matcher, with many", () => {
  it("lengths of prefixes under one host, as they come and go", () => {
    const uris = Array.from({ length: 20 }, (_, i) => `/${"a".repeat(i)}*`);
    const matcher = build([
      ...uris.map((uri, i) => route(String(i), uri, { hosts: ["a.com"] })),
      route("other", "/*", { hosts: ["b.com"] }),
    ]);
    const found = () => uris.map((uri) => idOf(matcher, uri.slice(0, -1), { host: "a.com" }));
    assert.deepEqual(found(), uris.map((_, i) => String(i)));
    for (let i = 19; i > 4; i -= 2) matcher.delete(String(i));
    assert.deepEqual(found(), uris.map((_, i) => String(i > 4 && i % 2 === 1 ? i - 1 : i)));
    for (const [i] of uris.entries()) matcher.delete(String(i));
    assert.deepEqual(found(), uris.map(() => undefined));
    assert.equal(idOf(matcher, "/x", { host: "b.com" }), "other");
  });

  it("hosts that come and go leave nothing to those that come after them", () => {
    const matcher = build([]);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100; i++) {
        const one = route(String(i), round === 1 ? "/exact" : "/prefix/*", { hosts: [`h${round}-${i}.com`] });
        assert.deepEqual(matcher.set(one, one.id), []);
      }
      for (let i = 0; i < 100; i++) {
        const host = `h${round}-${i}.com`, id = String(i);
        assert.equal(idOf(matcher, "/exact", { host }), round === 1 ? id : undefined);
        assert.equal(idOf(matcher, "/prefix/x", { host }), round === 1 ? undefined : id);
        assert.equal(idOf(matcher, "/exact", { host: `h${round - 1}-${i}.com` }), undefined);
      }
      assert.equal(matcher.measure().hosts, 100);
    }
  });

  for (const router of ["radixtree_uri", "radixtree_uri_with_parameter"] as const) {
    it(`routes of one place, by host and by segments, in order of their rank (${router})`, () => {
      const parameters = router === "radixtree_uri_with_parameter";
      const uri = parameters ? "/:tenant/x" : "/*";
      const matcher = build([
        ...Array.from({ length: 40 }, (_, i) => route(String(i), uri, { hosts: [`h${i}.com`] })),
        route("any", uri, { priority: -1 }),
        route("wild", uri, { hosts: ["*.com"], methods: ["POST"], priority: 1 }),
        route("high", uri, { hosts: ["h7.com"], vars: [["arg_high", "==", "1"]], priority: 2 }),
      ], router);
      assert.equal(idOf(matcher, "/t/x", { host: "h7.com" }), "7");
      assert.equal(idOf(matcher, "/t/x?high=1", { host: "h7.com" }), "high");
      assert.equal(idOf(matcher, "/t/x", { host: "h7.com", method: "POST" }), "wild");
      assert.equal(idOf(matcher, "/t/x", { host: "other.org" }), "any");
      assert.equal(idOf(matcher, "/t/y", { host: "h7.com" }), parameters ? undefined : "7");
      matcher.delete("7");
      assert.equal(idOf(matcher, "/t/x", { host: "h7.com" }), "any");
    });
  }

  it("paths with parameters whose segments are alike", () => {
    const matcher = build([
      ...Array.from({ length: 30 }, (_, i) => route(`text-${i}`, `/:a/t${i}/:b`)),
      route("deep", "/:a/t1/:b/*rest"),
      route("two", "/:a/:b/z", { priority: 1 }),
      route("rest", "/:a/*", { priority: -1 }),
    ], "radixtree_uri_with_parameter");
    assert.equal(idOf(matcher, "/x/t1/y"), "text-1");
    assert.equal(idOf(matcher, "/x/t1/y/w/v"), "deep");
    assert.equal(idOf(matcher, "/x/t1/z"), "two");
    assert.equal(idOf(matcher, "/x/none/y"), "rest");
    for (let i = 0; i < 30; i++) matcher.delete(`text-${i}`);
    assert.equal(idOf(matcher, "/x/t1/y"), "rest");
    const found = matcher.match(request("/x/t1/y/w/v"));
    assert.deepEqual(found !== "body" && { ...found?.params }, { a: "x", b: "y", rest: "w/v" });
  });
});

describe("Matcher.set", () => {
  it("replaces the route of the same id at all its places", () => {
    const matcher = build([route("1", ["/a", "/b/*"], { hosts: ["a.com", "*.b.com"] })]);
    assert.equal(idOf(matcher, "/b/c", { host: "x.b.com" }), "1");
    assert.deepEqual(matcher.set(route("1", "/c"), "new"), []);
    assert.equal(matcher.size, 1);
    assert.equal(idOf(matcher, "/a", { host: "a.com" }), undefined);
    assert.equal(idOf(matcher, "/b/c", { host: "x.b.com" }), undefined);
    const found = matcher.match(request("/c"));
    assert.deepEqual(found !== "body" && found?.value, "new");
    assert.deepEqual(matcher.measure(), { routes: 1, hosts: 1, paths: 1, nodes: 0 });
  });

  it("keeps the present route where the new one cannot be compiled, and says all that is wrong", () => {
    const matcher = build([route("1", "/a")]);
    const bad = route("1", ["/b", "/x/*/(b"], {
      methods: ["GET", "FETCH"],
      remoteAddrs: ["10.0.0.0/8", "x"],
      vars: [["a", "~~", "("]],
    });
    const issues = matcher.set(bad, "bad");
    assert.deepEqual(issues.map(({ path }) => path), ["uris[1]", "methods[1]", "remote_addrs[1]", "vars[0][2]"]);
    assert.deepEqual(matcher.check(bad), issues);
    assert.equal(idOf(matcher, "/a"), "1");
    assert.equal(idOf(matcher, "/b"), undefined);
  });

  it("does not match a route that is disabled, and knows it still", () => {
    const matcher = build([route("1", "/a")]);
    matcher.set(route("1", "/a", { disabled: true }), "1");
    assert.equal(idOf(matcher, "/a"), undefined);
    assert.equal(matcher.has("1"), true);
    matcher.set(route("1", "/a"), "1");
    assert.equal(idOf(matcher, "/a"), "1");
  });

  it("takes hosts in any case, and a host or path that is named twice once", () => {
    const matcher = build([route("1", ["/a", "/a"], { hosts: ["A.com", "a.COM"] })]);
    assert.equal(idOf(matcher, "/a", { host: "a.Com:80" }), "1");
    assert.equal(matcher.measure().paths, 1);
    assert.deepEqual(matcher.shadowed(), []);
    assert.equal(matcher.delete("1"), true);
    assert.equal(matcher.delete("1"), false);
    assert.deepEqual(matcher.measure(), { routes: 0, hosts: 0, paths: 0, nodes: 0 });
  });
});

describe("Matcher.match", () => {
  it("asks for the body only where it decides", () => {
    const matcher = build([
      route("1", "/pay", { methods: ["POST"], vars: [["http_x", "==", "1"], ["post_arg_big", "==", "1"]] }),
      route("2", "/pay"),
    ]);
    const form = ["Content-Type", "application/x-www-form-urlencoded", "X", "1"];
    assert.equal(idOf(matcher, "/pay", { method: "GET", headers: form }), "2");
    assert.equal(idOf(matcher, "/pay", { method: "POST" }), "2");
    assert.equal(idOf(matcher, "/pay", { method: "POST", headers: form }), "body");
    assert.equal(idOf(matcher, "/pay", { method: "POST", headers: form, body: "big=1" }), "1");
    assert.equal(idOf(matcher, "/pay", { method: "POST", headers: form, body: "big=2" }), "2");
    assert.equal(idOf(matcher, "/pay", { method: "POST", headers: form, body: null }), "2");
  });

  it("does not ask for the body for a route that stands behind the winner", () => {
    const matcher = build([
      route("1", "/pay", { priority: 1 }),
      route("2", "/pay", { vars: [["post_arg_a", "==", "1"]] }),
    ]);
    assert.equal(idOf(matcher, "/pay", { method: "POST" }), "1");
  });

  it("reads uri_param_x of the route that is being tried", () => {
    const matcher = build([
      route("1", "/a/:id", { vars: [["uri_param_id", "~~", "^[0-9]+$"]] }),
      route("2", "/a/:name", { vars: [["uri_param_name", "==", "me"]] }),
    ], "radixtree_uri_with_parameter");
    assert.equal(idOf(matcher, "/a/12"), "1");
    assert.equal(idOf(matcher, "/a/me"), "2");
    assert.equal(idOf(matcher, "/a/you"), undefined);
  });

  it("compares a host with a port with the Host field, where hosts are not indexed", () => {
    const matcher = build([
      route("1", "/*", { hosts: ["a.com:8080"] }),
      route("2", "/*", { hosts: ["a.com"], priority: -1 }),
    ], "radixtree_uri");
    assert.equal(idOf(matcher, "/", { host: "a.com:8080" }), "1");
    assert.equal(idOf(matcher, "/", { host: "A.com:8080" }), "1");
    assert.equal(idOf(matcher, "/", { host: "a.com:81" }), "2");
    assert.equal(idOf(matcher, "/", { host: "a.com" }), "2");
  });

  it("matches an IPv4 peer that arrives as IPv6", () => {
    const matcher = build([route("1", "/", { remoteAddrs: ["10.0.0.0/8"] })]);
    assert.equal(idOf(matcher, "/", { address: "::ffff:10.1.2.3" }), "1");
    assert.equal(idOf(matcher, "/", { address: "::ffff:11.1.2.3" }), undefined);
  });

  it("does not take HEAD for GET", () => {
    const matcher = build([route("1", "/", { methods: ["GET"] })]);
    assert.equal(idOf(matcher, "/", { method: "HEAD" }), undefined);
    assert.equal(idOf(matcher, "/", { method: "BREW" }), undefined);
    assert.equal(idOf(build([route("1", "/")]), "/", { method: "BREW" }), "1");
  });

  it("gives parameters no prototype to stumble over", () => {
    const matcher = build([route("1", "/:__proto__/:constructor")], "radixtree_uri_with_parameter");
    const found = matcher.match(request("/a/b"));
    assert.ok(found !== "body" && found !== undefined);
    assert.deepEqual(Object.entries(found.params), [["__proto__", "a"], ["constructor", "b"]]);
    assert.equal(Object.getPrototypeOf(found.params), null);
  });

  it("lets the smaller id win a tie in every order of arrival", () => {
    const ids = ["10", "9", "00000000000000000011", "b", "a"];
    for (let turn = 0; turn < ids.length; turn++) {
      const order = [...ids.slice(turn), ...ids.slice(0, turn)];
      const matcher = build(order.map((id) => route(id, "/a")));
      for (const expected of ["9", "10", "00000000000000000011", "a", "b"]) {
        assert.equal(idOf(matcher, "/a"), expected);
        matcher.delete(expected);
      }
    }
  });
});

describe("compareIds", () => {
  it("orders numbers by value before all else, which it orders as text", () => {
    const sorted = [
      "0",
      "00",
      "01",
      "1",
      "2",
      "10",
      "99999999999999999998",
      "99999999999999999999",
      "1a",
      "A",
      "a",
      "a1",
    ];
    assert.deepEqual(sorted.toReversed().sort(compareIds), sorted);
    assert.deepEqual(sorted.toSorted(compareIds), sorted);
  });
});

describe("Matcher.shadowed", () => {
  it("tells routes that an equal one keeps from ever winning, and which", () => {
    const matcher = build([
      route("1", "/a"),
      route("2", "/a"),
      route("3", "/a", { priority: 1, methods: ["GET"] }),
      route("4", ["/a", "/b"], { vars: [["arg_x", "==", "1"]] }),
      route("5", "/c", { methods: ["GET"] }),
      route("6", "/c", { methods: ["POST"] }),
      route("7", "/c", { methods: ["GET"], remoteAddrs: ["10.0.0.1"] }),
      route("8", "/d", { hosts: ["a.com"] }),
      route("9", "/d", { hosts: ["a.com", "b.com"] }),
    ]);
    const told = matcher.shadowed().map(({ id, by, host, uri }) => `${id} by ${by} at ${host ?? ""}${uri}`);
    assert.deepEqual(told.toSorted(), ["2 by 1 at /a", "4 by 2 at /a", "7 by 5 at /c", "9 by 8 at a.com/d"]);
    matcher.delete("1");
    matcher.delete("8");
    assert.deepEqual(matcher.shadowed().map(({ id }) => id).toSorted(), ["4", "7"]);
  });

  it("regards hosts where they are not indexed", () => {
    const matcher = build([
      route("1", "/a", { hosts: ["a.com"] }),
      route("2", "/a", { hosts: ["b.com"] }),
      route("3", "/a", { hosts: ["a.com"], methods: ["GET"] }),
    ], "radixtree_uri");
    assert.deepEqual(matcher.shadowed().map(({ id, by }) => [id, by]), [["3", "1"]]);
  });
});

describe("a Matcher of 50,000 routes", () => {
  const size = 50_000;
  const uri = (i: number): string => `/service${i}/v1/*`;
  const matcher = new Matcher<number>();
  for (let i = 0; i < size; i++) matcher.set(route(String(i), uri(i), { hosts: [`h${i % 500}.example.com`] }), i);

  it("changes one route in less than a millisecond", () => {
    const took: number[] = [];
    for (let i = 0; i < 300; i++) {
      const id = (i * 7919) % size;
      const one = route(String(id), `/service${id}/v2/*`, { hosts: [`h${(id + 1) % 500}.example.com`] });
      const start = performance.now();
      matcher.set(one, id);
      matcher.delete(String(id));
      matcher.set(route(String(id), uri(id), { hosts: [`h${id % 500}.example.com`] }), id);
      took.push((performance.now() - start) / 3);
    }
    took.sort((a, b) => a - b);
    assert.ok(took[150]! < 1, `the median change took ${took[150]} ms`);
  });

  it("finds each of them", () => {
    for (let i = 0; i < size; i += 997) {
      const found = matcher.match(request(`/service${i}/v1/x`, { host: `h${i % 500}.example.com` }));
      assert.equal(found !== "body" && found?.value, i);
    }
  });
});
