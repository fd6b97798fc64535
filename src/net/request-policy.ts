import type { ErrorCode } from "../errors.ts";
import type { RawHeaders } from "./raw-headers.ts";

/** Bounds on a request's head. 0 = none. */
export interface HeadLimits {
  /** Bytes of request line and header fields. */
  readonly headerBytes: number;
  /** Number of header fields. */
  readonly headerCount: number;
}

/** A request whose head may be routed. */
export interface AcceptedHead {
  readonly ok: true;
  /** Origin form: begins with `/`, and holds no `#`, no space and no byte outside ASCII. */
  readonly target: string;
  /** The Host field as received. */
  readonly host: string;
  /** Bytes of the body; 0 = none, -1 = chunked. */
  readonly length: number;
}

/** A request that is answered before routing. The connection is to be closed: what follows on it may not be a request. */
export interface RefusedHead {
  readonly ok: false;
  readonly status: number;
  readonly code: ErrorCode;
  /** For the log. */
  readonly message: string;
}

/** The methods Apache APISIX's routes can name, without CONNECT: a gateway opens no tunnels for strangers. */
const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "POST",
  "PUT",
  "DELETE",
  "PATCH",
  "HEAD",
  "OPTIONS",
  "TRACE",
  "PURGE",
]);

/** `host[:port]` of RFC 3986, narrowed to names, IPv4 and bracketed IPv6: no user, no percent-encoding, no path. */
const HOST = /^(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.-])?|\[[0-9A-Fa-f:.]{2,45}\])(?::(\d{1,5}))?$/;
/** Visible ASCII without `#` (0x23): a fragment never belongs into a request (RFC 9112 section 3.2). */
const ORIGIN_FORM = /^\/[!"$-~]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]*)(.*)$/i;
/** Everything that RFC 9110 section 5.5 calls dangerous in a field value, and the rest of the control characters but tab. */
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const DIGITS = /^\d{1,15}$/;

/**
 * Says whether a request may be routed. Every listener asks it, so that what one runtime's server accepts and another's does not
 * makes no difference to what is routed and forwarded (RFC 9112 sections 3.2, 3.3 and 6; RFC 9110 section 7.2).
 *
 * @param target The request target as received.
 * @param http10 Whether the request says HTTP/1.0, which has no Transfer-Encoding.
 */
export function checkHead(
  method: string,
  target: string,
  headers: RawHeaders,
  limits: HeadLimits,
  http10 = false,
): AcceptedHead | RefusedHead {
  if (!METHODS.has(method)) return refuseMethod(method);
  const count = headers.length >> 1;
  if (limits.headerCount > 0 && count > limits.headerCount) {
    return refuse(431, "header_too_large", `${count} header fields: at the most ${limits.headerCount} are allowed`);
  }
  let bytes = method.length + target.length + 12;
  if (limits.headerBytes > 0 && bytes > limits.headerBytes) {
    return refuse(414, "header_too_large", `Request target of ${target.length} bytes`);
  }
  let host: string | undefined;
  let length: string | undefined;
  let coding: string | undefined;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!, value = headers[i + 1]!;
    bytes += name.length + value.length + 4;
    if (CONTROL.test(value)) return refuse(400, "bad_request", `Control character in header field '${name}'`);
    switch (name.length) {
      case 4:
        if (name !== "Host" && name.toLowerCase() !== "host") break;
        if (host !== undefined) return refuse(400, "bad_request", "More than one Host field");
        host = value;
        break;
      case 14:
        if (name.toLowerCase() !== "content-length") break;
        if (length !== undefined) return refuse(400, "bad_request", "More than one Content-Length field");
        length = value;
        break;
      case 17:
        if (name.toLowerCase() !== "transfer-encoding") break;
        if (coding !== undefined) return refuse(400, "bad_request", "More than one Transfer-Encoding field");
        coding = value;
        break;
    }
  }
  if (limits.headerBytes > 0 && bytes > limits.headerBytes) {
    return refuse(431, "header_too_large", `Head of ${bytes} bytes: at the most ${limits.headerBytes} are allowed`);
  }
  if (host === undefined) return refuse(400, "bad_request", "No Host field");
  const port = HOST.exec(host);
  if (port === null || (port[1] !== undefined && Number(port[1]) > 65535)) {
    return refuse(400, "bad_request", "Invalid Host field");
  }
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") return refuse(501, "bad_request", "Transfer-Encoding other than chunked");
    if (length !== undefined) return refuse(400, "bad_request", "Content-Length beside Transfer-Encoding");
    if (http10) return refuse(400, "bad_request", "Transfer-Encoding in HTTP/1.0");
  }
  if (length !== undefined && !DIGITS.test(length)) return refuse(400, "bad_request", "Invalid Content-Length field");
  const bodyLength = coding !== undefined ? -1 : length === undefined ? 0 : Number(length);
  if (ORIGIN_FORM.test(target)) return { ok: true, target, host, length: bodyLength };
  return absolute(target, host, bodyLength);
}

/** Absolute form is accepted where its authority is the Host field's: then there is one answer to who was asked. */
function absolute(target: string, host: string, length: number): AcceptedHead | RefusedHead {
  const parts = ABSOLUTE_FORM.exec(target);
  if (parts === null || parts[1]!.toLowerCase() !== host.toLowerCase()) {
    return refuse(400, "bad_request", "Request target neither in origin form nor of the Host field's authority");
  }
  const rest = parts[2]!;
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  if (!ORIGIN_FORM.test(path)) return refuse(400, "bad_request", "Invalid request target");
  return { ok: true, target: path, host, length };
}

function refuseMethod(method: string): RefusedHead {
  if (method === "CONNECT") return refuse(405, "bad_request", "CONNECT is not served");
  return refuse(501, "bad_request", `Unknown method ${JSON.stringify(method.slice(0, 32))}`);
}

function refuse(status: number, code: ErrorCode, message: string): RefusedHead {
  return { ok: false, status, code, message };
}
