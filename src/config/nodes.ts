import * as v from "valibot";
import { isIpv6 } from "./addresses.ts";
import { anyObject, fields, host, integer } from "./fields.ts";
import { quote } from "./issue.ts";
import { either, list, rule, ruled } from "./schema-tools.ts";

/** One server of an upstream. */
export interface Node {
  /** A name or an address; IPv6 addresses stand without brackets. */
  readonly host: string;
  /** Where the store named none: the scheme's standard port. */
  readonly port: number;
  /** Share of the requests among nodes of the same priority; 0 takes none. */
  readonly weight: number;
  /** Nodes of a lower priority serve only when all of a higher one are out. Default: 0. */
  readonly priority: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** A node as it may be written in a list. */
export interface NodeEntry {
  readonly host: string;
  readonly port?: number;
  readonly weight: number;
  readonly priority: number;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Nodes as stored: a list, or weights by `host:port`. */
export type StoredNodes = readonly NodeEntry[] | Readonly<Record<string, number>>;

export const port: v.GenericSchema<unknown, number> = integer(1, 65535);
export const weight: v.GenericSchema<unknown, number> = integer(0);

const NO_PORT = "must be a host without a port";

/** A server's name or address without a port; IPv6 addresses lose their brackets. */
export const nodeHost: v.GenericSchema<unknown, string> = v.pipe(
  host,
  v.check((text) => splitAddress(text) !== undefined && splitAddress(text)?.port === undefined, NO_PORT),
  v.transform((text) => splitAddress(text)?.host ?? text),
);

const entry: v.GenericSchema<unknown, NodeEntry> = fields({
  host: nodeHost,
  port: v.exactOptional(port),
  weight,
  priority: v.exactOptional(integer(), 0),
  metadata: v.exactOptional(anyObject),
});

const ADDRESS = "must be 'host', 'host:port' or '[IPv6]:port' with a port from 1 to 65535";

const weights: v.GenericSchema<unknown, Record<string, number>> = ruled(
  v.record(v.string(), weight, "must be a list of nodes, or an object of weights by address") as v.GenericSchema<
    unknown,
    Record<string, number>
  >,
  rule<Record<string, number>>(
    (map) => badAddress(map) === undefined ? undefined : ADDRESS,
    undefined,
    (map) => badAddress(map) ?? "",
  ),
);

/** Both forms in which Apache APISIX stores nodes. */
export const storedNodes: v.GenericSchema<unknown, StoredNodes> = either(Array.isArray, list(entry), weights);

/** Standard ports of the schemes that have one. */
const STANDARD_PORTS: Readonly<Record<string, number>> = { http: 80, https: 443, grpc: 80, grpcs: 443 };

/** The port that a scheme means where none is written. */
export function standardPort(scheme: string): number | undefined {
  return STANDARD_PORTS[scheme];
}

/** Why nodes cannot be completed for a scheme; `undefined` where they can. */
export function missingPort(nodes: StoredNodes, scheme: string): string | undefined {
  if (standardPort(scheme) !== undefined) return undefined;
  const without = Array.isArray(nodes)
    ? (nodes as readonly NodeEntry[]).find((node) => node.port === undefined)?.host
    : Object.keys(nodes).find((address) => splitAddress(address)?.port === undefined);
  return without === undefined
    ? undefined
    : `must name the port of ${quote(without)}, as ${scheme} has no standard port`;
}

/** One list of complete nodes, in the order written, from either form. */
export function toNodes(nodes: StoredNodes, scheme: string): Node[] {
  const standard = standardPort(scheme) ?? 0;
  if (Array.isArray(nodes)) {
    return (nodes as readonly NodeEntry[]).map(({ host, port = standard, weight, priority, metadata }) => {
      const node = { host, port, weight, priority };
      return metadata === undefined ? node : { ...node, metadata };
    });
  }
  return Object.entries(nodes).map(([address, weight]) => {
    const { host = address, port = standard } = splitAddress(address) ?? {};
    return { host, port, weight, priority: 0 };
  });
}

/**
 * Takes `host`, `host:port`, `[IPv6]`, `[IPv6]:port` or a bare IPv6 address apart; `undefined` where it is none of them.
 */
export function splitAddress(address: string): { readonly host: string; readonly port?: number } | undefined {
  if (isIpv6(address)) return { host: address };
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9a-zA-Z._-]{1,253}))(?::([0-9]{1,5}))?$/.exec(address);
  if (found === null) return undefined;
  const [, bracketed, name, digits] = found;
  const named = bracketed ?? name ?? "";
  if (bracketed !== undefined && !isIpv6(bracketed)) return undefined;
  if (digits === undefined) return { host: named };
  const port = Number(digits);
  return port >= 1 && port <= 65535 ? { host: named, port } : undefined;
}

function badAddress(map: Readonly<Record<string, number>>): string | undefined {
  for (const address in map) if (splitAddress(address) === undefined) return address;
  return undefined;
}
