/** One active check of one node. */
export interface ProbeTarget {
  readonly type: "http" | "https" | "tcp";
  readonly host: string;
  readonly port: number;
  /** Milliseconds for the whole probe. */
  readonly timeout: number;
  /** The Host field. */
  readonly hostHeader: string;
  readonly method: string;
  /** Request target. */
  readonly path: string;
  /** Empty = no body. */
  readonly body: string;
  /** Header fields, name and value in turn. */
  readonly headers: readonly string[];
  /** For `https`. */
  readonly tls: {
    readonly servername: string;
    readonly verify: boolean;
    readonly ca?: string;
    readonly cert?: string;
    readonly key?: string;
  };
}

/** What a probe found. */
export type ProbeResult =
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "connected" }
  | { readonly kind: "timeout" }
  | { readonly kind: "failed"; readonly reason: string }
  /** Nothing can be said: the probe was not made. */
  | { readonly kind: "skipped"; readonly reason: string };

/** Makes one active check over a connection of its own. The signal ends it early; what it yields then is not looked at. */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<ProbeResult>;
