import type { Address, Inbound, ListenerBindings } from "../net/inbound.ts";

/** The second argument of `Deno.serve`'s handler, as far as it is used. */
interface DenoInfo {
  readonly remoteAddr: { readonly hostname?: string; readonly port?: number };
}

/** The second argument of `Bun.serve`'s fetch, as far as it is used. */
interface BunServer {
  readonly port?: number;
  requestIP(request: Request): { readonly address: string; readonly port: number } | null;
}

/** The bindings of `@hono/node-server`, as far as they are used. */
interface NodeBindings {
  readonly incoming: {
    readonly url?: string;
    readonly rawHeaders: readonly string[];
    readonly socket: {
      readonly remoteAddress?: string | undefined;
      readonly remotePort?: number | undefined;
      readonly localPort?: number | undefined;
      readonly encrypted?: boolean;
    };
  };
}

/** Stands for a client whose address the host does not tell; it matches no CIDR. */
const UNKNOWN: Address = { address: "", port: 0 };

/**
 * What can be known of a request's connection: all of it from gatewatch's own listeners, else what the host application's runtime tells beside the
 * Request (`Deno.serve`'s info, `Bun.serve`'s server, `@hono/node-server`'s bindings), else what the Request itself says.
 */
export function inboundOf(request: Request, env: unknown): Inbound {
  const bindings = isObject(env) ? env : {};
  if (fromListener(env)) return env.inbound;
  if (isNode(bindings)) return fromNode(request, bindings);
  return fromRequest(request, peerOf(request, bindings), isBun(bindings) ? bindings.port : undefined);
}

/** The target of a request's URL as its text has it; `new URL()` would resolve dot segments. */
export function targetOf(url: string): string {
  const scheme = url.indexOf("://");
  if (scheme < 0) return url.startsWith("/") ? url : `/${url}`;
  const start = url.slice(scheme + 3).search(/[/?]/);
  if (start < 0) return "/";
  const target = url.slice(scheme + 3 + start);
  return target.startsWith("/") ? target : `/${target}`;
}

function fromNode(request: Request, { incoming }: NodeBindings): Inbound {
  const { socket } = incoming;
  const secure = socket.encrypted === true;
  return {
    target: targetOf(incoming.url ?? request.url),
    faithful: true,
    headers: incoming.rawHeaders,
    peer: { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 },
    localPort: socket.localPort ?? 0,
    secure,
    get body() {
      return request.body;
    },
    get signal() {
      return request.signal;
    },
  };
}

function fromRequest(request: Request, peer: Address, port: number | undefined): Inbound {
  const scheme = request.url.slice(0, request.url.indexOf(":"));
  const host = request.headers.get("host");
  const authority = /^[a-z+]+:\/\/([^/?#]*)/.exec(request.url)?.[1] ?? "";
  const headers: string[] = [];
  // HTTP/2 has no Host field on some runtimes, and a Request made by hand has none: its URL says the same.
  if (host === null && authority !== "") headers.push("Host", authority);
  for (const [name, value] of request.headers) headers.push(name, value);
  const secure = scheme === "https";
  const named = /:(\d+)$/.exec(authority)?.[1];
  return {
    target: targetOf(request.url),
    faithful: false,
    headers,
    peer,
    localPort: port ?? (named === undefined ? (secure ? 443 : 80) : Number(named)),
    secure,
    get body() {
      return request.body;
    },
    get signal() {
      return request.signal;
    },
  };
}

function peerOf(request: Request, bindings: object): Address {
  if (isBun(bindings)) {
    const ip = bindings.requestIP(request);
    return ip === null ? UNKNOWN : { address: plainAddress(ip.address), port: ip.port };
  }
  if (isDeno(bindings)) {
    return { address: plainAddress(bindings.remoteAddr.hostname ?? ""), port: bindings.remoteAddr.port ?? 0 };
  }
  return UNKNOWN;
}

/** An IPv4 client of a socket bound to `::` arrives as `::ffff:a.b.c.d`. */
function plainAddress(address: string): string {
  return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;
/** Whether the request comes from a listener of ours, which has checked its head. */
export function fromListener(env: unknown): env is ListenerBindings {
  return isObject(env) && "inbound" in env;
}
const isNode = (env: object): env is NodeBindings => "incoming" in env;
const isBun = (env: object): env is BunServer => "requestIP" in env && typeof env.requestIP === "function";
const isDeno = (env: object): env is DenoInfo => "remoteAddr" in env;
