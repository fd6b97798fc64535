import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import type { Explanation } from "../../../src/match/explanation.ts";
import { Matcher } from "../../../src/match/matcher.ts";
import { compilePath } from "../../../src/match/path-pattern.ts";
import type { MatchRequest, MatchRoute, RouterName } from "../../../src/match/route.ts";
import { answer, type PlainRequest } from "./reference.ts";

// Few and similar values, so that routes meet.
const segment = fc.constantFrom("a", "b", "ab", "a.b", "*", "*r", ":x", ":y", "a*", "*b", "", "a:b");
const uri = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) =>
      `/${parts.join("/")}`.replace(/\/\/+/g, "/")
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom("*", "/*", "/", "/a*") },
);
const host = fc.constantFrom("a.com", "b.a.com", "*.a.com", "*a.com", "*", "*.com", "*.b.a.com");
const method = fc.constantFrom("GET", "POST", "PUT");
const id = fc.constantFrom("1", "2", "3", "10", "03", "a", "b", "a1", "1a", "99999999999999999999", "r-1", "r-2");
const range = fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "192.168.0.0/24");
const comparison = fc.tuple(fc.constantFrom("arg_k", "arg_l"), fc.constantFrom("==", "~="), fc.constantFrom("1", "2"));

const anyRoute: fc.Arbitrary<MatchRoute> = fc.record({
  id,
  uris: fc.uniqueArray(uri, { minLength: 1, maxLength: 3 }),
  hosts: fc.oneof(fc.constant([]), fc.uniqueArray(host, { maxLength: 2 })),
  methods: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.uniqueArray(method, { maxLength: 2 }),
  }),
  remoteAddrs: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.uniqueArray(range, { maxLength: 2 }),
  }),
  vars: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.array(comparison, { minLength: 1, maxLength: 2 }),
  }),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
  disabled: fc.constantFrom(false, false, false, false, true),
});

const anyRequest: fc.Arbitrary<PlainRequest> = fc.record({
  method,
  host: fc.constantFrom("a.com", "b.a.com", "c.b.a.com", "xa.com", "x.org", ""),
  path: fc.array(fc.constantFrom("a", "b", "ab", "a.b", "aab", ":x", "c", "a:b"), { maxLength: 5 }).chain((parts) =>
    fc.constantFrom(`/${parts.join("/")}`, `/${parts.join("/")}/`.replace("//", "/"))
  ),
  address: fc.constantFrom("10.1.2.3", "10.1.9.9", "10.9.9.9", "192.168.0.7", "8.8.8.8"),
  args: fc.dictionary(fc.constantFrom("k", "l"), fc.constantFrom("1", "2"), { maxKeys: 2 }),
});

const anyChange = fc.oneof(
  { weight: 4, arbitrary: anyRoute.map((route) => ({ kind: "set" as const, route })) },
  { weight: 1, arbitrary: id.map((one) => ({ kind: "delete" as const, id: one })) },
);

type AnyChange = { readonly kind: "set"; readonly route: MatchRoute } | {
  readonly kind: "delete";
  readonly id: string;
};

function build(
  router: RouterName,
  changes: readonly AnyChange[],
): { matcher: Matcher<string>; routes: Map<string, MatchRoute> } {
  const matcher = new Matcher<string>({ router });
  const routes = new Map<string, MatchRoute>();
  for (const change of changes) {
    if (change.kind === "delete") {
      assert.equal(matcher.delete(change.id), routes.delete(change.id));
    } else {
      assert.deepEqual(matcher.set(change.route, `value of ${change.route.id}`), []);
      routes.set(change.route.id, change.route);
    }
  }
  assert.equal(matcher.size, routes.size);
  return { matcher, routes };
}

function toMatchRequest(request: PlainRequest): MatchRequest {
  const { method, host, path, address, args } = request;
  const variables = {
    read: ({ name }: { readonly name: string }) => Object.hasOwn(args, name.slice(4)) ? args[name.slice(4)] : undefined,
  };
  return { method, host, path, address, variables };
}

/** Many routes of few places, so that a place has enough of them to be indexed. */
const crowdedRoute: fc.Arbitrary<MatchRoute> = fc.record({
  id: fc.integer({ min: 1, max: 40 }).map(String),
  uris: fc.uniqueArray(
    fc.array(fc.constantFrom("a", "b", ":x", ":y", "*", "*r", "a.b", ""), { minLength: 1, maxLength: 3 }).map((parts) =>
      `/:t/${parts.join("/")}`.replace(/\/\/+/g, "/")
    ),
    { minLength: 1, maxLength: 2 },
  ),
  hosts: fc.oneof(
    fc.constant([]),
    fc.uniqueArray(host, { maxLength: 2 }),
    fc.constantFrom(["a.com"], ["b.a.com", "a.com"]),
  ),
  methods: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.uniqueArray(method, { maxLength: 2 }),
  }),
  remoteAddrs: fc.constant([]),
  vars: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, {
    weight: 1,
    arbitrary: fc.array(comparison, { minLength: 1, maxLength: 2 }),
  }),
  priority: fc.constantFrom(0, 0, 0, 1, -1),
});

const crowdedChange = fc.oneof(
  { weight: 3, arbitrary: crowdedRoute.map((route) => ({ kind: "set" as const, route })) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 1, max: 40 }).map((one) => ({ kind: "delete" as const, id: String(one) })),
  },
);

const crowd = fc.array(crowdedChange, { minLength: 20, maxLength: 80, size: "max" });
const changes = fc.array(anyChange, { minLength: 1, maxLength: 24 });
const requests = fc.array(anyRequest, { minLength: 4, maxLength: 4 });
const RUNS = 10_000;

describe("Matcher, changed at random", () => {
  for (const router of ["radixtree_host_uri", "radixtree_uri", "radixtree_uri_with_parameter"] as const) {
    it(`answers as a linear search does (${router})`, () => {
      fc.assert(
        fc.property(changes, requests, (made, asked) => compareWithReference(router, made, asked)),
        { numRuns: Math.ceil(RUNS / 3) + 1 },
      );
    });

    it(`answers as a linear search does where many routes share a place (${router})`, () => {
      fc.assert(
        fc.property(crowd, requests, (made, asked) => compareWithReference(router, made, asked)),
        { numRuns: 300 },
      );
    });

    it(`explains what it does (${router})`, () => {
      fc.assert(
        fc.property(changes, requests, (made, asked) => {
          const { matcher } = build(router, made);
          for (const request of asked) {
            const found = matcher.match(toMatchRequest(request));
            const told = matcher.explain(toMatchRequest(request));
            checkExplanation(told, found === "body" ? undefined : found);
          }
        }),
        { numRuns: 1000 },
      );
    });

    it(`is empty after everything was deleted (${router})`, () => {
      fc.assert(
        fc.property(changes, (made) => {
          const { matcher, routes } = build(router, made);
          for (const one of routes.keys()) assert.equal(matcher.delete(one), true);
          assert.equal(matcher.size, 0);
          assert.deepEqual(matcher.measure(), { routes: 0, hosts: 0, paths: 0, nodes: 0 });
        }),
        { numRuns: 300 },
      );
    });
  }
});

describe("a path with parameters", () => {
  const segment = fc.constantFrom("a", "b", "", ":x", ":y", "*r", "*", "a.", "é");
  const configured = fc.array(segment, { minLength: 1, maxLength: 6 }).map((segments) => `/${segments.join("/")}`);
  const path = fc.array(fc.constantFrom("a", "b", "c", "", "a.", "é"), { maxLength: 7 }).map((all) =>
    `/${all.join("/")}`
  );

  it("fits where it has parameters to give, and nowhere else", () => {
    fc.assert(
      fc.property(configured, path, (uri, asked) => {
        const pattern = compilePath(uri, true);
        if (typeof pattern === "string" || pattern.params === undefined || !asked.startsWith(pattern.key)) return;
        assert.equal(pattern.fits!(asked, uri), pattern.params(asked) !== undefined);
      }),
      { numRuns: RUNS },
    );
  });
});

function compareWithReference(router: RouterName, made: readonly AnyChange[], asked: readonly PlainRequest[]): void {
  const { matcher, routes } = build(router, made);
  for (const request of asked) {
    const found = matcher.match(toMatchRequest(request));
    const expected = answer(router, routes.values(), request);
    if (found === undefined || found === "body") assert.equal(found, expected);
    else {
      assert.deepEqual({ id: found.id, uri: found.uri, params: { ...found.params } }, expected);
      assert.equal(found.value, `value of ${found.id}`);
    }
  }
}

function checkExplanation(
  told: Explanation,
  found: { readonly id: string; readonly uri: string; readonly params: object } | undefined,
): void {
  assert.deepEqual(JSON.parse(JSON.stringify(told)), told, "an explanation is JSON");
  const candidates = told.levels.flatMap((level) => level.paths.flatMap((path) => path.candidates));
  const winners = candidates.filter((candidate) => candidate.result === "wins");
  if (found === undefined) {
    assert.equal(told.outcome, "not_found");
    assert.equal(told.winner, null);
    assert.deepEqual(winners, []);
    for (const miss of told.nearest) assert.notEqual(miss.lacks.length, 0);
    return;
  }
  assert.equal(told.outcome, "matched");
  assert.deepEqual({ id: told.winner?.id, uri: told.winner?.uri, params: { ...told.winner?.params } }, {
    id: found.id,
    uri: found.uri,
    params: { ...found.params },
  });
  assert.deepEqual(winners.map((one) => one.id), [found.id]);
  for (const candidate of candidates) {
    const failed = candidate.predicates.some((predicate) => predicate.verdict === "fail");
    assert.equal(candidate.result === "fails", failed, "a candidate fails by a predicate that is shown");
  }
}
