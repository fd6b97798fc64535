import { NodeResponse } from "./node-response.ts";
import type { OutboundAnswer } from "./transport.ts";
import type { RawHeaders } from "../net/raw-headers.ts";

/** The head of an answer as it is to be written to the client. */
export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: RawHeaders;
  /** Fields to send after a chunked body. */
  readonly trailers?: Promise<RawHeaders>;
}

/** The node's own head behind a Response that middleware made of another; a WeakMap, so that it sees an ordinary Response. */
const carried = new WeakMap<Response, AnswerHead>();

function headBehind(response: Response): AnswerHead | undefined {
  return response instanceof NodeResponse ? response.answer : carried.get(response);
}

/**
 * Wraps a node's answer as a Response for middleware to read and change. A listener that can write a raw head gets back through
 * {@link answerHead} what `Headers` cannot hold: the reason phrase, the case, the order and the number of fields.
 *
 * It is one of the runtime's own only once {@link nativeResponse} has made it one: most answers are read by nobody.
 */
export function toResponse(answer: OutboundAnswer): Response {
  return new NodeResponse(answer) as unknown as Response;
}

/** The Response as the runtime's own, which its server and its constructors ask for. */
export function nativeResponse(response: Response): Response {
  return response instanceof NodeResponse ? response.full() : response;
}

/** What a node answered, where nobody has asked for any of it but its status since; undefined where somebody may have changed it. */
export function untouchedAnswer(response: Response): OutboundAnswer | undefined {
  return response instanceof NodeResponse ? response.untouched : undefined;
}

/** Lets a Response that was made from another one, as Hono does to answer HEAD, have the same node's head behind it. */
export function carryHead(from: Response, to: Response): Response {
  const head = headBehind(from);
  if (head !== undefined) carried.set(to, head);
  return to;
}

/**
 * The head to write for a response: where it came from a node, the node's own fields, except for those that were changed, added or
 * removed since; otherwise what the Response says.
 */
export function answerHead(response: Response): AnswerHead {
  const untouched = untouchedAnswer(response);
  if (untouched !== undefined) {
    const { status, reason, headers, trailers } = untouched;
    return { status, reason, headers, ...(trailers === undefined ? {} : { trailers }) };
  }
  const head = headBehind(response);
  const reason = head !== undefined && head.status === response.status ? head.reason : response.statusText;
  const headers: string[] = [];
  const now = new Map<string, string>();
  const cookies = response.headers.getSetCookie();
  for (const [name, value] of response.headers) if (name !== "set-cookie") now.set(name, value);
  if (head !== undefined) {
    const before = joined(head.headers);
    const cookiesSame = before.cookies.length === cookies.length && before.cookies.every((c, i) => c === cookies[i]);
    for (let i = 0; i + 1 < head.headers.length; i += 2) {
      const name = head.headers[i]!, lower = name.toLowerCase();
      if (lower === "set-cookie") {
        if (cookiesSame) headers.push(name, head.headers[i + 1]!);
        continue;
      }
      const value = now.get(lower);
      if (value === undefined) continue;
      if (value === before.values.get(lower)) headers.push(name, head.headers[i + 1]!);
    }
    for (const [name, value] of before.values) if (now.get(name) === value) now.delete(name);
    if (cookiesSame) cookies.length = 0;
  }
  for (const [name, value] of now) headers.push(name, value);
  for (const cookie of cookies) headers.push("set-cookie", cookie);
  return {
    status: response.status,
    reason,
    headers,
    ...(head?.trailers === undefined ? {} : { trailers: head.trailers }),
  };
}

/**
 * Bytes of an answer's head in HTTP/1.1: as its node sent it, without the fields of the connection and whatever middleware changed of it; of an answer
 * that came from no node, as the Response says.
 */
export function headBytes(response: Response): number {
  const head = headBehind(response);
  // `HTTP/1.1 200 `, a line break after the reason phrase and one after the fields.
  let bytes = 17 + (head?.reason ?? response.statusText).length;
  if (head === undefined) {
    for (const [name, value] of response.headers) bytes += name.length + value.length + 4;
    return bytes;
  }
  const { headers } = head;
  for (let i = 0; i + 1 < headers.length; i += 2) bytes += headers[i]!.length + headers[i + 1]!.length + 4;
  return bytes;
}

/** Values as `Headers` would join them, by lower-case name. */
function joined(raw: RawHeaders): { values: Map<string, string>; cookies: string[] } {
  const values = new Map<string, string>(), cookies: string[] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase(), value = raw[i + 1]!.replace(/^[\t ]+|[\t ]+$/g, "");
    if (name === "set-cookie") cookies.push(value);
    else values.set(name, values.has(name) ? `${values.get(name)}, ${value}` : value);
  }
  return { values, cookies };
}
