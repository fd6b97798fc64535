import * as v from "valibot";
import { type Described, described, type Draft, fields, integer, oneOf, pattern, status, text } from "./fields.ts";
import { certificate, privateKey } from "./pem.ts";
import { list, rule, ruled } from "./schema-tools.ts";

/** A certificate with its key: for the gateway's own listeners (`server`), or to show to upstreams (`client`). */
export interface Ssl extends Described {
  readonly id: string;
  /** Default: `server`. */
  readonly type: "server" | "client";
  /** PEM. */
  readonly cert: string;
  /** PEM; a secret. */
  readonly key: string;
  /** Further certificates for the same names, as one of another algorithm; one key each. */
  readonly certs?: readonly string[];
  /** PEM; secrets. */
  readonly keys?: readonly string[];
  /** Exactly one of `sni` and `snis` where the type is `server`. */
  readonly sni?: string;
  readonly snis?: readonly string[];
  readonly client?: ClientVerification;
  /** Default: 1. */
  readonly status: 0 | 1;
  readonly ssl_protocols?: readonly ("TLSv1.1" | "TLSv1.2" | "TLSv1.3")[];
  /** Seconds since 1970. */
  readonly validity_start?: number;
  readonly validity_end?: number;
}

/** Clients must show a certificate of this authority. */
export interface ClientVerification {
  /** PEM. */
  readonly ca: string;
  /** Longest chain. Default: 1. */
  readonly depth: number;
  /** Paths that need no client certificate. */
  readonly skip_mtls_uri_regex?: readonly string[];
}

/** The server names of a resource of type `server` as they are compared: in lower case, without a dot at the end, none twice. */
export function serverNames({ sni, snis }: Pick<Ssl, "sni" | "snis">): string[] {
  const names = snis ?? (sni === undefined ? [] : [sni]);
  return [...new Set(names.map((name) => name.toLowerCase().replace(/\.$/, "")))];
}

const serverName = pattern(/^(?:\*|\*?[0-9a-zA-Z._-]+)$/, "a server name, perhaps with '*' in front", 255);
const nonEmpty = (items: v.GenericSchema<unknown, string[]>): v.GenericSchema<unknown, string[]> =>
  v.pipe(items, v.minLength(1, "must have at least 1 item"));

const stored = fields({
  ...described,
  type: v.exactOptional(oneOf("server", "client"), "server"),
  cert: certificate,
  key: privateKey,
  certs: v.exactOptional(list(certificate)),
  keys: v.exactOptional(list(privateKey)),
  sni: v.exactOptional(serverName),
  snis: v.exactOptional(nonEmpty(list(serverName))),
  client: v.exactOptional(fields({
    ca: certificate,
    depth: v.exactOptional(integer(0), 1),
    skip_mtls_uri_regex: v.exactOptional(nonEmpty(list(text(1, 4096)))),
  })),
  status: v.exactOptional(status, 1),
  ssl_protocols: v.exactOptional(list(oneOf("TLSv1.1", "TLSv1.2", "TLSv1.3"))),
  validity_start: v.exactOptional(integer(0)),
  validity_end: v.exactOptional(integer(0)),
  exptime: v.exactOptional(integer(0)),
});

type Stored = v.InferOutput<typeof stored>;

export const sslSchema: v.GenericSchema<unknown, Draft<Ssl>> = ruled(
  stored,
  rule<Stored>(
    ({ type, sni, snis }) =>
      type === "server" && (sni === undefined) === (snis === undefined)
        ? `must have exactly one of sni and snis: has ${sni === undefined ? "neither" : "both"}`
        : undefined,
    {
      if: { properties: { type: { const: "client" } }, required: ["type"] },
      else: { oneOf: [{ required: ["sni"] }, { required: ["snis"] }] },
    },
  ),
  rule<Stored>(
    ({ certs, keys }) => (certs?.length ?? 0) === (keys?.length ?? 0) ? undefined : "must have as many keys as certs",
    { dependencies: { certs: ["keys"], keys: ["certs"] } },
  ),
);
