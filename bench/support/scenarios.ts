import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LoadOptions } from "./load.ts";

/**
 * Resources of a file source, for one of the scenarios that `bench/forward.ts` names.
 *
 * @param node `host:port`
 */
export function resourcesOf(scenario: string, node: string): object {
  const upstream = { nodes: { [node]: 1 } };
  const consumers = [{ username: "bench", plugins: { "key-auth": { key: "secret" } } }];
  const counted = { count: 1_000_000_000, time_window: 3600, rejected_code: 429, key: "remote_addr", policy: "local" };
  const three = { "limit-count": counted, prometheus: {}, "key-auth": {} };
  const seven = {
    ...three,
    cors: {},
    "request-id": {},
    "ip-restriction": { whitelist: ["127.0.0.0/8"] },
    "proxy-rewrite": { headers: { set: { "X-Bench": "1" } } },
  };
  switch (scenario) {
    case "bare":
    case "one":
      return { routes: [{ id: "1", uri: "/*", upstream }] };
    case "key-auth":
      return { consumers, routes: [{ id: "1", uri: "/*", upstream, plugins: { "key-auth": {} } }] };
    case "three":
      return { consumers, routes: [{ id: "1", uri: "/*", upstream, plugins: three }] };
    case "seven":
      return { consumers, routes: [{ id: "1", uri: "/*", upstream, plugins: seven }] };
    case "50000": {
      const routes = Array.from({ length: 50_000 }, (_, i) => ({ id: `r${i}`, uri: `/r/${i}/*`, upstream_id: "1" }));
      return { upstreams: [{ id: "1", ...upstream }], routes: [...routes, { id: "x", uri: "/x", upstream_id: "1" }] };
    }
    default:
      throw new Error(`Unknown scenario '${scenario}'`);
  }
}

/** What the requests of a scenario are. @param folder For a script of wrk's. */
export function loadOf(scenario: string, folder: string): Omit<LoadOptions, "seconds"> {
  if (scenario === "bare") return {};
  if (scenario !== "50000" && scenario !== "one") return { headers: ["apikey: secret"] };
  const script = join(folder, "spread.lua");
  writeFileSync(script, 'request = function() return wrk.format("GET", "/r/" .. math.random(0, 49999) .. "/x") end');
  return { script };
}
