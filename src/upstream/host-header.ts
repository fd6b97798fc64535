import { standardPort } from "../config/nodes.ts";
import type { InlineUpstream } from "../config/upstream.ts";

/** Where a node is; IPv6 addresses without brackets. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** The fields of an upstream that say which Host its nodes see. */
export type HostPolicy = Pick<InlineUpstream, "pass_host" | "upstream_host" | "scheme">;

/**
 * The Host field by `pass_host`: the client's (`pass`), the node's with its port where that is not the scheme's own (`node`), or the
 * upstream's (`rewrite`).
 */
export function toHostHeader(policy: HostPolicy, node: NodeAddress, client: string): string {
  if (policy.pass_host === "node") return nodeHost(policy.scheme, node.host, node.port);
  return policy.pass_host === "rewrite" ? policy.upstream_host ?? client : client;
}

/**
 * The name to ask a TLS server for, and to check its certificate against: that of the Host field, since servers choose their
 * certificate by the one and the site by the other.
 *
 * @param host The Host field that will be sent; the node's where it is not known.
 */
export function toServername(policy: HostPolicy, node: NodeAddress, host: string | undefined): string {
  if (policy.pass_host === "node") return node.host;
  const name = policy.pass_host === "rewrite" ? policy.upstream_host : host;
  return name === undefined ? node.host : withoutPort(name);
}

/** A Host field for an address: without the port where it is the scheme's own. */
export function nodeHost(scheme: string, host: string, port: number): string {
  return port === standardPort(scheme) ? bracketed(host) : `${bracketed(host)}:${port}`;
}

/** A host as it is written before a port. */
export function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}

/** `example.com` of `example.com:8443`, `::1` of `[::1]:8443`; in lower case. */
export function withoutPort(host: string): string {
  const bracket = host.startsWith("[") ? host.indexOf("]") : -1;
  if (bracket > 0) return host.slice(1, bracket).toLowerCase();
  const colon = host.lastIndexOf(":");
  return (colon < 0 ? host : host.slice(0, colon)).toLowerCase();
}
