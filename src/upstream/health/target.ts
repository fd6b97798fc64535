import type { ActiveCheck } from "../../config/checks.ts";
import { type HostPolicy, nodeHost, withoutPort } from "../host-header.ts";
import type { UpstreamNode } from "../node.ts";
import type { PeerTls } from "../peers.ts";
import type { ProbeTarget } from "./probe.ts";

/** A header line that can be sent as it is (RFC 9110 section 5). */
const HEADER_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/;

/**
 * What to ask of a node. The Host field is the check's own `host`, else the one that every request to the node has: `upstream_host`
 * with `pass_host: rewrite`, the node's otherwise.
 *
 * @param tls The upstream's own settings; whether to verify is the check's to say.
 */
export function toProbeTarget(
  settings: ActiveCheck,
  policy: HostPolicy,
  node: UpstreamNode,
  tls: PeerTls | undefined,
): ProbeTarget {
  const { type, http_method: method, http_path: path, http_req_body: body } = settings;
  const port = settings.port ?? node.port;
  const scheme = type === "https" ? "https" : "http";
  const hostHeader = settings.host ??
    (policy.pass_host === "rewrite" ? policy.upstream_host : undefined) ??
    nodeHost(scheme, node.host, port);
  return {
    type,
    host: node.host,
    port,
    // 0 stands for nginx's default, as in lua-resty-healthcheck, whose sockets take it so.
    timeout: (settings.timeout || 60) * 1000,
    hostHeader,
    method,
    path: path.startsWith("/") ? path : `/${path}`,
    body,
    headers: (settings.req_headers ?? []).flatMap(toField),
    tls: { ...tls, servername: withoutPort(hostHeader), verify: settings.https_verify_certificate },
  };
}

function toField(line: string): string[] {
  const [, name, value] = HEADER_LINE.exec(line) ?? [];
  // Host has a field of its own, and the length is the body's.
  return name === undefined || /^(host|content-length|transfer-encoding|connection)$/i.test(name)
    ? []
    : [name, value ?? ""];
}
