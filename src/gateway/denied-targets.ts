import type { Issue } from "../config/issue.ts";
import { quote } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import type { InlineUpstream } from "../config/upstream.ts";
import { type AddressTest, compileCidrs } from "../net/cidr.ts";

/** Says what is wrong with a resource that its schema accepts. */
export type Inspect = (kind: Kind, resource: Resource) => readonly Issue[];

/**
 * Prepares a list of addresses and ranges that no upstream may have.
 *
 * @throws {Error} where one of them cannot be read.
 */
export function compileDenied(ranges: readonly string[]): AddressTest | undefined {
  if (ranges.length === 0) return undefined;
  const compiled = compileCidrs(ranges);
  if (typeof compiled === "function") return compiled;
  throw new Error(`Cannot deny targets: ${compiled.map(({ message }) => message).join("; ")}`);
}

/**
 * Adds a check to an inspection: no node may be written with a denied address. Names are not looked up here; what they stand for is checked when
 * they are connected to.
 */
export function denyTargets(inspect: Inspect, denied: AddressTest | undefined): Inspect {
  if (denied === undefined) return inspect;
  return (kind, resource) => {
    const hosts = hostsOf(kind, resource);
    const issues = hosts.filter(({ host }) => denied(host)).map(({ host, path }) => ({
      path,
      message: `must not be an address that this gateway is told to deny, is ${quote(host, 64)}`,
    }));
    return issues.length > 0 ? issues : inspect(kind, resource);
  };
}

interface WrittenHost {
  readonly host: string;
  readonly path: string;
}

function hostsOf(kind: Kind, resource: Resource): WrittenHost[] {
  switch (kind) {
    case "route":
    case "service": {
      const { upstream } = resource as ResourceOf<"route" | "service">;
      return upstream === undefined ? [] : nodesOf(upstream, "upstream.nodes");
    }
    case "upstream":
      return nodesOf(resource as ResourceOf<"upstream">, "nodes");
    case "upstream_node":
    case "node":
      return [{ host: (resource as ResourceOf<"upstream_node" | "node">).host, path: "host" }];
    default:
      return [];
  }
}

function nodesOf({ nodes = [] }: InlineUpstream, path: string): WrittenHost[] {
  return nodes.map(({ host }, index) => ({ host, path: `${path}[${index}].host` }));
}
