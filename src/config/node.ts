import * as v from "valibot";
import { fields, integer } from "./fields.ts";
import { nodeHost, port, weight } from "./nodes.ts";

/** The lone key `<prefix>/node`: a catch-all route of the lowest priority to one server. */
export interface LoneNode {
  readonly id: "node";
  readonly host: string;
  readonly port: number;
}

export const loneNodeSchema: v.GenericSchema<unknown, Omit<LoneNode, "id">> = fields({
  host: nodeHost,
  port,
});

/** A node that a server registered itself: `upstreams/<id>/nodes/<name>`. */
export interface RegisteredNode {
  /** `<upstream>/nodes/<name>`, as in its key. */
  readonly id: string;
  /** From the key. */
  readonly upstream_id: string;
  /** From the key. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Default: 1. */
  readonly weight: number;
  /** Default: 0. */
  readonly priority: number;
}

export const registeredNodeSchema: v.GenericSchema<unknown, Omit<RegisteredNode, "id" | "upstream_id" | "name">> =
  fields({
    host: nodeHost,
    port,
    weight: v.exactOptional(weight, 1),
    priority: v.exactOptional(integer(), 0),
  });
