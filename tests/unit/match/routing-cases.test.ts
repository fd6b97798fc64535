import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { parseValue } from "../../../src/config/parse.ts";
import { Matcher } from "../../../src/match/matcher.ts";
import { RequestVariables } from "../../../src/match/request-variables.ts";
import type { MatchRequest, MatchRoute, RouterName } from "../../../src/match/route.ts";
import type { VariableValue } from "../../../src/match/variable-value.ts";
import { createPathNormalizer } from "../../../src/net/path.ts";
import { source } from "./support.ts";

interface CaseRoute {
  readonly id: string;
  readonly uri?: string;
  readonly uris?: readonly string[];
  readonly host?: string;
  readonly hosts?: readonly string[];
  readonly methods?: readonly string[];
  readonly remote_addr?: string;
  readonly remote_addrs?: readonly string[];
  readonly vars?: unknown;
  readonly priority?: number;
  readonly filter_func?: string;
}

interface CaseRequest {
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string;
  readonly query: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, VariableValue>>;
  readonly remote_addr?: string;
  readonly expect: string | null;
  readonly expect_any_route?: boolean;
  readonly expect_matched?: Readonly<Record<string, string>>;
}

interface CaseTable {
  readonly id: string;
  readonly source: string;
  readonly test: string;
  readonly router: RouterName;
  readonly options: { readonly normalize_uri_like_servlet?: boolean };
  readonly routes: readonly CaseRoute[];
  readonly requests: readonly CaseRequest[];
}

/** Facts from the public tests of those projects, and from what their sources say besides. */
const tables = ["routing.json", "routing-own.json"].flatMap((name) => {
  const text = readFileSync(new URL(`../../cases/${name}`, import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly tables: readonly CaseTable[] }).tables;
});

function toMatchRoute(from: CaseRoute): MatchRoute {
  return {
    id: from.id,
    uris: from.uris ?? [from.uri!],
    hosts: from.hosts ?? (from.host === undefined ? [] : [from.host]),
    methods: from.methods ?? [],
    remoteAddrs: from.remote_addrs ?? (from.remote_addr === undefined ? [] : [from.remote_addr]),
    vars: from.vars ?? [],
    priority: from.priority ?? 0,
  };
}

function toMatchRequest(table: CaseTable, from: CaseRequest): MatchRequest {
  // The library's own tests give the path as it is compared; APISIX's give what a client sends.
  const library = table.source.startsWith("api7/") || table.source === "matcher";
  const options = { likeServlet: table.options.normalize_uri_like_servlet ?? false };
  const path = library ? from.path : createPathNormalizer(options)(from.path)!.path;
  const address = from.remote_addr ?? (library ? "" : "127.0.0.1");
  const headers = Object.entries(from.headers).flat();
  const target = `${library ? "/" : from.path}${from.query === null ? "" : `?${from.query}`}`;
  const host = (from.host ?? "").toLowerCase();
  const real = new RequestVariables(source(target, { method: from.method ?? "", host, address, headers }));
  const variables: MatchRequest["variables"] = {
    read: (variable) =>
      from.vars !== undefined && variable.name in from.vars ? toList(from.vars[variable.name]) : real.read(variable),
  };
  return { method: from.method ?? "", host, path, address, variables };
}

/** Lua writes an empty list as `{}`. */
function toList(value: VariableValue): VariableValue {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? [] : value;
}

function build(table: CaseTable, routes: readonly CaseRoute[]): Matcher<string> {
  const matcher = new Matcher<string>({ router: table.router });
  for (const one of routes) if (one.filter_func === undefined) matcher.set(toMatchRoute(one), one.id);
  return matcher;
}

function check(table: CaseTable, from: CaseRequest, matcher: Matcher<string>): void {
  const found = matcher.match(toMatchRequest(table, from));
  assert.notEqual(found, "body");
  const match = found as Exclude<typeof found, "body">;
  if (from.expect_any_route === true) assert.notEqual(match, undefined);
  else if (table.routes.some((one) => one.filter_func !== undefined && one.id === from.expect)) {
    assert.notEqual(match?.id, from.expect, "a route that is rejected must not match");
  } else assert.equal(match?.id ?? null, from.expect);
  if (from.expect_matched !== undefined) {
    const { _path, ...params } = from.expect_matched;
    assert.equal(match?.uri, _path);
    assert.deepEqual({ ...match?.params }, params);
  }
}

describe("the routing cases of lua-resty-radixtree, Apache APISIX and our own", () => {
  for (const table of tables) {
    describe(`${table.id} ${table.router}: ${table.test} (${table.source})`, () => {
      for (const [i, from] of table.requests.entries()) {
        const name = `${i + 1}: ${from.method ?? "any"} ${from.host ?? ""}${JSON.stringify(from.path)} goes to ${
          from.expect ?? "none"
        }`;
        it(name, () => check(table, from, build(table, table.routes)));
        it(`${name}, inserted in reverse`, () => check(table, from, build(table, table.routes.toReversed())));
      }
      for (const one of table.routes.filter((one) => one.filter_func !== undefined)) {
        it(`rejects route ${one.id} as unsupported, for its filter_func`, () => {
          const { id: _, uris, ...rest } = one;
          const value = {
            ...rest,
            ...(uris === undefined ? {} : { uris }),
            upstream: { nodes: { "127.0.0.1:80": 1 } },
          };
          const parsed = parseValue("route", "1", value);
          assert.equal(parsed.ok, false);
          assert.equal(parsed.ok ? "" : parsed.state, "unsupported");
          assert.match(parsed.ok ? "" : parsed.issues[0]!.path, /filter_func/);
        });
      }
    });
  }
});
