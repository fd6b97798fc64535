import { GatewayError } from "../errors.ts";
import { type Client, setForwarded } from "../net/forwarded.ts";
import { indexOf, sameName } from "../net/header-list.ts";
import type { Inbound } from "../net/inbound.ts";
import type { RawHeaders } from "../net/raw-headers.ts";
import type { PickedNode } from "../upstream/upstream.ts";
import type { Exchange } from "./exchange.ts";

const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

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
    // All other fields were looked at when they came, or when plugins set them.
    if (host !== hostField && !FIELD_VALUE.test(host)) {
      throw new GatewayError("unsupported", 501, `The Host field ${JSON.stringify(host)} cannot be sent`);
    }
    // What no plugin has asked for, none has changed; what one has was stripped then.
    const own = changed?.headers.raw(), raw = own ?? inbound.headers;
    if (this.#withBody || indexOf(raw, "content-length", 0) < 0) {
      const plain = plainFields(inbound, client, hostField, host, own);
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
 * @param own The fields as `forwardableRequest` and plugins left them, where there are such. Those of the connection are the plugins' own then.
 * @returns undefined where more care is needed: a trusted proxy, a client that is not known, fields named by `Connection` or that claim a client.
 */
export function plainFields(
  inbound: Inbound,
  client: Client,
  hostField: string,
  host: string,
  own?: RawHeaders,
): string[] | undefined {
  const peer = inbound.peer.address;
  if (client.trusted || peer === "") return undefined;
  const raw = own ?? inbound.headers;
  const fields: string[] = [];
  let hosts = 0;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!, value = raw[i + 1]!;
    switch (kindOf(name)) {
      case "host":
        if (++hosts > 1) return undefined;
        fields.push("Host", host);
        continue;
      case "hop":
        if (own !== undefined) return undefined;
        if (name.length === 10 && value !== "keep-alive" && value !== "close" && sameName(name, "connection")) {
          return undefined;
        }
        continue;
      case "claim":
        return undefined;
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

/** What a field is by its name, whose length is looked at first: the client's own (undefined), of the connection, or one in which clients can claim to be others. */
function kindOf(name: string): "host" | "hop" | "claim" | undefined {
  switch (name.length) {
    case 2:
      return sameName(name, "te") ? "hop" : undefined;
    case 4:
      return sameName(name, "host") ? "host" : undefined;
    case 6:
      return sameName(name, "expect") ? "hop" : undefined;
    case 7:
      return sameName(name, "upgrade") || sameName(name, "trailer") ? "hop" : undefined;
    case 9:
      return sameName(name, "x-real-ip") || sameName(name, "forwarded") ? "claim" : undefined;
    case 10:
      return sameName(name, "keep-alive") || sameName(name, "connection") ? "hop" : undefined;
    case 15:
      return sameName(name, "x-forwarded-for") ? "claim" : undefined;
    case 16:
      if (sameName(name, "proxy-connection")) return "hop";
      return sameName(name, "x-forwarded-host") || sameName(name, "x-forwarded-port") ? "claim" : undefined;
    case 17:
      if (sameName(name, "transfer-encoding")) return "hop";
      return sameName(name, "x-forwarded-proto") ? "claim" : undefined;
    case 18:
      return sameName(name, "proxy-authenticate") ? "hop" : undefined;
    case 19:
      return sameName(name, "proxy-authorization") ? "hop" : undefined;
    default:
      return undefined;
  }
}
