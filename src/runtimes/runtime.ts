import type { Transport } from "../forward/transport.ts";
import type { Listen } from "./listener.ts";

export type RuntimeName = "deno" | "bun" | "node";

/** `native`: the runtime's own server (`Deno.serve`, `Bun.serve`). `node`: `node:http`. `http1`: gatewatch's own, over sockets. The last two are on all three. */
export type ListenerName = "native" | "node" | "http1";

/** `fetch`: web standards alone. `undici`: npm undici over sockets. `http1`: gatewatch's own, over sockets. The last two are on all three. */
export type TransportName = "fetch" | "undici" | "http1";

/**
 * What differs between Deno, Bun and Node, as far as the command needs it. Arguments, environment, signals and files are not here:
 * `node:` modules give them on all three.
 *
 * The modules that make these are `deno.ts`, `bun.ts` and `node.ts` beside this file; each is imported by one entry alone. What
 * takes time to load (undici) is loaded when it is asked for.
 */
export interface Runtime {
  readonly name: RuntimeName;
  /** The runtime's own version, as in `2.9.6`. */
  readonly version: string;
  /** Node has no native listener. */
  readonly listeners: { readonly native?: Listen; readonly node: Listen; readonly http1: Listen };
  readonly transports: { readonly [name in TransportName]: () => Promise<Transport> };
  /** What is used where the settings name nothing. */
  readonly defaults: {
    readonly transport: TransportName;
    /** How etcd is spoken to. */
    readonly carrier: "grpc" | "json";
  };
}
