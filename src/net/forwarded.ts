import type { HeaderList } from "./header-list.ts";
import { indexOf } from "./header-list.ts";
import type { Inbound } from "./inbound.ts";

/** Who sent a request, as far as can be believed. */
export interface Client {
  /** The address of the client: the connection's other end, or what trusted proxies say of it. */
  readonly address: string;
  /** Whether the connection's other end is a trusted proxy, whose `X-Forwarded-*` fields are kept. */
  readonly trusted: boolean;
}

/**
 * Finds the client behind trusted proxies: from the right of `X-Forwarded-For`, the first address that is not itself a trusted
 * proxy. Without trusted proxies it is the connection's other end, whatever the request claims.
 */
export function clientOf(inbound: Inbound, isTrusted: ((address: string) => boolean) | undefined): Client {
  const peer = inbound.peer.address;
  if (isTrusted === undefined || !isTrusted(peer)) return { address: peer, trusted: false };
  const hops: string[] = [];
  const raw = inbound.headers;
  for (let at = indexOf(raw, "x-forwarded-for", 0); at >= 0; at = indexOf(raw, "x-forwarded-for", at + 2)) {
    for (const hop of raw[at + 1]!.split(",")) hops.push(bareAddress(hop.trim()));
  }
  let address = peer;
  for (let i = hops.length - 1; i >= 0; i--) {
    const hop = hops[i]!;
    if (!looksLikeAddress(hop)) break;
    address = hop;
    if (!isTrusted(hop)) break;
  }
  return { address, trusted: true };
}

/**
 * Says to the upstream who asked, and how: `X-Forwarded-For`, `-Proto`, `-Host`, `-Port` and `X-Real-IP`. What an untrusted client claims is
 * overwritten, and its `Forwarded` (RFC 7239) dropped, since it could not be told from the truth.
 *
 * @param host The Host field as the client sent it.
 */
export function setForwarded(headers: HeaderList, inbound: Inbound, client: Client, host: string): void {
  const peer = inbound.peer.address;
  const before = client.trusted ? headers.getAll("x-forwarded-for").join(", ") : "";
  if (peer === "") {
    // An embedding host that does not tell: what the client claims must not stand in for it.
    headers.delete("x-forwarded-for");
    headers.delete("x-real-ip");
  } else {
    headers.set("X-Forwarded-For", before === "" ? peer : `${before}, ${peer}`);
    headers.set("X-Real-IP", client.address);
  }
  if (client.trusted) {
    if (!headers.has("x-forwarded-proto")) headers.set("X-Forwarded-Proto", inbound.secure ? "https" : "http");
    if (!headers.has("x-forwarded-host")) headers.set("X-Forwarded-Host", host);
    if (!headers.has("x-forwarded-port")) headers.set("X-Forwarded-Port", String(inbound.localPort));
    return;
  }
  headers.set("X-Forwarded-Proto", inbound.secure ? "https" : "http");
  headers.set("X-Forwarded-Host", host);
  headers.set("X-Forwarded-Port", String(inbound.localPort));
  headers.delete("forwarded");
}

/** `[::1]:80` and `1.2.3.4:80` without port and brackets; some proxies write them so. */
function bareAddress(text: string): string {
  if (text.startsWith("[")) return text.slice(1, text.indexOf("]") < 0 ? undefined : text.indexOf("]"));
  const colon = text.indexOf(":");
  return colon > 0 && colon === text.lastIndexOf(":") ? text.slice(0, colon) : text;
}

function looksLikeAddress(text: string): boolean {
  return /^[0-9a-fA-F:.]{2,45}$/.test(text);
}
