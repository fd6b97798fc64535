import { createPathNormalizer, type NormalizedTarget, type PathOptions } from "../../../src/net/path.ts";
import { parseHost } from "../../../src/net/host.ts";
import { RequestVariables } from "../../../src/match/request-variables.ts";
import type { VariableSource } from "../../../src/match/request-parts.ts";
import type { MatchRequest, MatchRoute } from "../../../src/match/route.ts";

/** A route with everything left out that the test does not care for. */
export function route(id: string, uri: string | readonly string[], rest: Partial<MatchRoute> = {}): MatchRoute {
  const uris = typeof uri === "string" ? [uri] : uri;
  return { id, uris, hosts: [], methods: [], remoteAddrs: [], vars: [], priority: 0, ...rest };
}

export interface RequestOptions {
  readonly method?: string;
  readonly host?: string;
  readonly address?: string;
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | string | null;
  readonly options?: PathOptions;
  readonly facts?: Readonly<Record<string, string>>;
}

/** What variables are read from, for a target such as `/a?b=c`. */
export function source(target: string, rest: RequestOptions = {}): VariableSource {
  const normalized = createPathNormalizer(rest.options)(target);
  if (normalized === undefined) throw new Error(`The test's target ${target} is malformed`);
  return sourceOf(normalized, target, rest);
}

function sourceOf(normalized: NormalizedTarget, target: string, rest: RequestOptions): VariableSource {
  const { method = "GET", host = "localhost", address = "127.0.0.1", headers = [], body, facts = {} } = rest;
  return {
    method,
    target,
    path: normalized.path,
    query: normalized.query,
    host: parseHost(host) ?? "",
    headers: ["Host", host, ...headers],
    remoteAddress: address,
    remotePort: 40_000,
    peerAddress: address,
    localPort: 9080,
    secure: false,
    body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    fact: (name) => facts[name],
  };
}

/** A request as the gateway would make it of `GET /a?b=c`. */
export function request(target: string, rest: RequestOptions = {}): MatchRequest {
  const from = source(target, rest);
  const matchPath = createPathNormalizer(rest.options)(target)!.matchPath;
  const variables = new RequestVariables(from);
  return { method: from.method, host: from.host, path: matchPath, address: from.remoteAddress, variables };
}
