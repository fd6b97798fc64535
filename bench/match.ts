/**
 * How long a match and a change take at 10, 1,000 and 50,000 routes, and how much memory a route takes, beside find-my-way's and Hono's routers where they can
 * express the same routes.
 *
 *     node --expose-gc bench/match.ts
 *     bun bench/match.ts
 *     deno run -A --v8-flags=--expose-gc bench/match.ts
 */
import { RegExpRouter } from "hono/router/reg-exp-router";
import { TrieRouter } from "hono/router/trie-router";
import { Matcher } from "../src/match/matcher.ts";
import { parseHost } from "../src/net/host.ts";
import { createPathNormalizer } from "../src/net/path.ts";
import type { MatchRequest, MatchRoute, RouterName } from "../src/match/route.ts";

const SIZES = [10, 1_000, 50_000];

/** Requests that are prepared and asked in turn. */
const ASKED = 4096;

/** Milliseconds that one measurement takes. */
const LENGTH = 60;

/** How often it is measured; the best counts, since a shared machine only ever adds. */
const ROUNDS = 9;

interface Workload {
  readonly name: string;
  readonly router: RouterName;
  /** How many hosts there are among so many routes. */
  readonly hosts: (size: number) => number;
  readonly uri: (i: number) => string;
  readonly path: (i: number) => string;
}

const WORKLOADS: readonly Workload[] = [
  {
    name: "exact paths",
    router: "radixtree_host_uri",
    hosts: () => 0,
    uri: (i) => `/service${i}/v1/items`,
    path: (i) => `/service${i}/v1/items`,
  },
  {
    name: "prefixes",
    router: "radixtree_host_uri",
    hosts: () => 0,
    uri: (i) => `/service${i}/v1/*`,
    path: (i) => `/service${i}/v1/items/42`,
  },
  {
    name: "hosts and prefixes",
    router: "radixtree_host_uri",
    hosts: (size) => size / 10,
    uri: (i) => `/service${i}/v1/*`,
    path: (i) => `/service${i}/v1/items/42`,
  },
  {
    name: "hosts, uri router",
    router: "radixtree_uri",
    hosts: (size) => size,
    uri: () => "/*",
    path: (i) => `/service${i}/v1/items/42`,
  },
  {
    name: "parameters at the end",
    router: "radixtree_uri_with_parameter",
    hosts: () => 0,
    uri: (i) => `/service${i}/:version/items/:id`,
    path: (i) => `/service${i}/v1/items/42`,
  },
  {
    name: "parameters first",
    router: "radixtree_uri_with_parameter",
    hosts: () => 0,
    uri: (i) => `/:tenant/service${i}/:id`,
    path: (i) => `/acme/service${i}/42`,
  },
];

interface Result {
  readonly matchNs: number;
  /** With what every request needs before: its target and Host field made normal. */
  readonly requestNs?: number;
  readonly changeUs?: number;
  readonly bytes?: number;
}

function hostOf(work: Workload, i: number, size: number): string | undefined {
  const hosts = work.hosts(size);
  return hosts === 0 ? undefined : `host${i % hosts}.example.com`;
}

/** The routes that requests go to, in a fixed random order, so that no cache sees a pattern. */
function targets(size: number): number[] {
  let state = 12345;
  return Array.from({ length: ASKED }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor(state / 2 ** 32 * size);
  });
}

/** Nanoseconds of the processor, so that what others do on the machine at the same time counts as little as may be. */
function time(run: (i: number) => unknown): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    let count = 0;
    const start = process.cpuUsage();
    let took = 0;
    while (took < LENGTH) {
      for (let i = 0; i < 1024; i++) {
        if (run(count + i) === undefined) throw new Error("A request of the benchmark matched nothing");
      }
      count += 1024;
      const { user, system } = process.cpuUsage(start);
      took = (user + system) / 1000;
    }
    best = Math.min(best, took / count);
  }
  return best * 1e6;
}

function collect(): number {
  const bun = (globalThis as { readonly Bun?: { gc(force: boolean): void } }).Bun;
  if (bun !== undefined) bun.gc(true);
  else (globalThis as { readonly gc?: () => void }).gc?.();
  return process.memoryUsage().heapUsed;
}

function toRoute(work: Workload, i: number, size: number): MatchRoute {
  const host = hostOf(work, i, size);
  const hosts = host === undefined ? [] : [host];
  return { id: String(i), uris: [work.uri(i)], hosts, methods: ["GET"], remoteAddrs: [], vars: [], priority: 0 };
}

function gatewatch(work: Workload, size: number): Result {
  const before = collect();
  const matcher = new Matcher<number>({ router: work.router });
  for (let i = 0; i < size; i++) matcher.set(toRoute(work, i, size), i);
  const bytes = (collect() - before) / size;
  const variables: MatchRequest["variables"] = { read: () => undefined };
  const requests = targets(size).map((i): MatchRequest => ({
    method: "GET",
    host: hostOf(work, i, size) ?? "example.com",
    path: work.path(i),
    address: "127.0.0.1",
    variables,
  }));
  const matchNs = time((i) => matcher.match(requests[i % ASKED]!));
  const normalize = createPathNormalizer();
  const received = targets(size).map((i) => ({
    target: `${work.path(i)}?page=2`,
    field: `${hostOf(work, i, size) ?? "example.com"}:8080`,
  }));
  const requestNs = time((i) => {
    const { target, field } = received[i % ASKED]!;
    const normalized = normalize(target)!;
    const host = parseHost(field)!;
    return matcher.match({ method: "GET", host, path: normalized.matchPath, address: "127.0.0.1", variables });
  });
  const changed = targets(size).map((i) => toRoute(work, i, size));
  const changeUs = time((i) => matcher.set(changed[i % ASKED]!, i)) / 1000;
  return { matchNs, requestNs, changeUs, bytes };
}

/** What is used of find-my-way. */
interface FindMyWay {
  on(
    method: string,
    path: string,
    options: { readonly constraints?: { readonly host: string } },
    handler: () => number,
  ): void;
  find(method: string, path: string, constraints?: { readonly host: string | undefined }): unknown;
}

async function loadFindMyWay(): Promise<(() => FindMyWay) | undefined> {
  const name: string = "find-my-way";
  try {
    return ((await import(name)) as { readonly default: () => FindMyWay }).default;
  } catch {
    return undefined;
  }
}

type Competitor = (work: Workload, size: number) => Promise<Result | undefined> | Result | undefined;

async function findMyWay(work: Workload, size: number): Promise<Result | undefined> {
  // It takes at most 31 hosts for one path.
  if (work.name === "hosts, uri router" && size > 31) return undefined;
  const create = await loadFindMyWay();
  if (create === undefined) return undefined;
  const before = collect();
  const router = create();
  const hosted = work.hosts(size) > 0;
  for (let i = 0; i < size; i++) {
    const constraints = hosted ? { constraints: { host: hostOf(work, i, size)! } } : {};
    router.on("GET", work.uri(i), constraints, () => i);
  }
  const bytes = (collect() - before) / size;
  const asked = targets(size).map((i) => ({ path: work.path(i), host: hostOf(work, i, size) }));
  const matchNs = time((i) => {
    const { path, host } = asked[i % ASKED]!;
    return (hosted ? router.find("GET", path, { host }) : router.find("GET", path)) ?? undefined;
  });
  return { matchNs, bytes };
}

function hono(make: () => RegExpRouter<number> | TrieRouter<number>, most: number): Competitor {
  return (work, size) => {
    if (work.hosts(size) > 0 || size > most) return undefined;
    const before = collect();
    const router = make();
    for (let i = 0; i < size; i++) router.add("GET", work.uri(i), i);
    const paths = targets(size).map(work.path);
    // It is built by the first match.
    router.match("GET", paths[0]!);
    const bytes = (collect() - before) / size;
    return { matchNs: time((i) => router.match("GET", paths[i % ASKED]!)[0][0]), bytes };
  };
}

const competitors: readonly [name: string, run: Competitor][] = [
  ["gatewatch", gatewatch],
  ["find-my-way", findMyWay],
  // One regular expression of so many routes takes it minutes to build.
  ["hono RegExpRouter", hono(() => new RegExpRouter<number>(), 1_000)],
  ["hono TrieRouter", hono(() => new TrieRouter<number>(), 50_000)],
];

function cell(value: number | undefined, digits: number, width: number): string {
  return (value === undefined ? "-" : value.toFixed(digits)).padStart(width);
}

const { versions } = process as { readonly versions: Readonly<Record<string, string | undefined>> };
const runtime = versions.bun !== undefined
  ? `Bun ${versions.bun}`
  : versions.deno !== undefined
  ? `Deno ${versions.deno}`
  : `Node ${versions.node}`;
console.log(`${runtime}\n`);
console.log(
  `${"routes".padEnd(24)}${"number".padStart(8)}  ${"router".padEnd(20)}${"ns/match".padStart(10)}${
    "ns/request".padStart(12)
  }${"µs/change".padStart(11)}${"bytes/route".padStart(13)}${"x 10 routes".padStart(13)}`,
);
const only = process.argv[2];
for (const work of WORKLOADS.filter(({ name }) => only === undefined || name.includes(only))) {
  /** Nanoseconds of each router among the fewest routes. */
  const fewest = new Map<string, number>();
  for (const size of SIZES) {
    for (const [name, run] of competitors) {
      const result = await run(work, size);
      if (result === undefined) continue;
      const { matchNs, requestNs, changeUs, bytes } = result;
      const memory = size >= 1_000 && bytes !== undefined && bytes > 0 ? bytes : undefined;
      if (!fewest.has(name)) fewest.set(name, matchNs);
      const ratio = size === SIZES[0] ? undefined : matchNs / fewest.get(name)!;
      const figures = cell(matchNs, 0, 10) + cell(requestNs, 0, 12) + cell(changeUs, 2, 11) + cell(memory, 0, 13) +
        cell(ratio, 1, 13);
      console.log(`${work.name.padEnd(24)}${String(size).padStart(8)}  ${name.padEnd(20)}${figures}`);
    }
  }
}
