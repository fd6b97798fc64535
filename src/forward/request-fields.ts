import { type Client, setForwarded } from "../net/forwarded.ts";
import { indexOf, sameName } from "../net/header-list.ts";
import type { Inbound } from "../net/inbound.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { PickedNode } from "../upstream/upstream.ts";
import type { Exchange } from "./exchange.ts";

/** The fields that a request is sent with, to one node after the other. */
export class RequestFields {
  readonly #exchange: Exchange;
  readonly #withBody: boolean;
  #forwarded = false;

  /** @param withBody Whether there is a body to send. */
  constructor(exchange: Exchange, withBody: boolean) {
    this.#exchange = exchange;
    this.#withBody = withBody;
  }

  to(picked: PickedNode): RawHeaders {
    const { changed, inbound, client, hostField } = this.#exchange;
    const host = changed?.host ?? picked.hostHeader(hostField);
    // What no plugin has asked for, none has changed.
    if (changed === undefined && (this.#withBody || indexOf(inbound.headers, "content-length", 0) < 0)) {
      const plain = plainFields(inbound, client, hostField, host);
      if (plain !== undefined) return plain;
    }
    const { headers } = this.#exchange.request;
    if (!this.#forwarded) setForwarded(headers, inbound, client, hostField);
    this.#forwarded = true;
    headers.set("Host", host);
    // A listener that cannot read the body of such a request must not promise one to the node, which would wait for it.
    if (!this.#withBody && (headers.get("content-length") ?? "0") !== "0") headers.delete("content-length");
    return headers.raw();
  }
}

/**
 * The fields that a request is sent on with, in one pass over those that were received: what `forwardableRequest` leaves, with `X-Forwarded-*`,
 * `X-Real-IP` and Host set. For requests that need nothing more than that, which are most.
 *
 * @param hostField The Host field as the client sent it.
 * @param host The Host field to send.
 * @returns undefined where more care is needed: a trusted proxy, a client that is not known, fields named by `Connection` or that claim a client.
 */
export function plainFields(inbound: Inbound, client: Client, hostField: string, host: string): string[] | undefined {
  const peer = inbound.peer.address;
  if (client.trusted || peer === "") return undefined;
  const raw = inbound.headers;
  const fields: string[] = [];
  let hosts = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!, value = raw[i + 1]!;
    switch (name.length) {
      case 2:
        if (sameName(name, "te")) continue;
        break;
      case 4:
        if (!sameName(name, "host")) break;
        if (++hosts > 1) return undefined;
        fields.push("Host", host);
        continue;
      case 6:
        if (sameName(name, "expect")) continue;
        break;
      case 7:
        if (sameName(name, "upgrade") || sameName(name, "trailer")) continue;
        break;
      case 9:
        if (sameName(name, "x-real-ip") || sameName(name, "forwarded")) return undefined;
        break;
      case 10:
        if (sameName(name, "keep-alive")) continue;
        if (!sameName(name, "connection")) break;
        if (value !== "keep-alive" && value !== "close") return undefined;
        continue;
      case 15:
        if (sameName(name, "x-forwarded-for")) return undefined;
        break;
      case 16:
        if (sameName(name, "proxy-connection")) continue;
        if (sameName(name, "x-forwarded-host") || sameName(name, "x-forwarded-port")) return undefined;
        break;
      case 17:
        if (sameName(name, "transfer-encoding")) continue;
        if (sameName(name, "x-forwarded-proto")) return undefined;
        break;
      case 18:
        if (sameName(name, "proxy-authenticate")) continue;
        break;
      case 19:
        if (sameName(name, "proxy-authorization")) continue;
        break;
    }
    fields.push(name, value);
  }
  if (hosts === 0) return undefined;
  fields.push(
    "X-Forwarded-For",
    peer,
    "X-Real-IP",
    client.address,
    "X-Forwarded-Proto",
    inbound.secure ? "https" : "http",
    "X-Forwarded-Host",
    hostField,
    "X-Forwarded-Port",
    String(inbound.localPort),
  );
  return fields;
}
