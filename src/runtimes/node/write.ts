import { type ServerResponse, STATUS_CODES } from "node:http";
import { answerHead, untouchedAnswer } from "../../forward/answer.ts";
import { Deadline } from "../../net/deadline.ts";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { LookAhead } from "../look-ahead.ts";
import { sendableTrailers } from "../trailers.ts";

export interface WriteOptions {
  /** The request's method. */
  readonly method: string;
  /** Milliseconds between two writes that the client takes; 0 = none. */
  readonly timeout: number;
  /** Whether the client knows no chunks, so that only the connection's end says where a body without length ends. */
  readonly http10: boolean;
  /** Whether the connection is to be closed after the answer. */
  readonly close: boolean;
}

/**
 * Writes an answer, raw head and all. A body that fails, or that is not as long as was announced, ends in a broken connection, so that
 * the client can tell. Resolves when all is written or the client has gone.
 */
export async function writeAnswer(outgoing: ServerResponse, response: Response, options: WriteOptions): Promise<void> {
  const untouched = untouchedAnswer(response);
  const head = untouched ?? answerHead(response);
  const { status } = head;
  const reason = head.reason || (STATUS_CODES[status] ?? "");
  // Trailers come after a body in chunks only, which bytes are not sent in.
  const plain = untouched !== undefined &&
    (untouched.trailers === undefined || untouched.body instanceof ReadableStream);
  const body = plain ? untouched.body : response.body;
  if (outgoing.destroyed || outgoing.socket?.destroyed === true) {
    if (body instanceof ReadableStream) await body.cancel().catch(() => {});
    return;
  }
  const bodiless = options.method === "HEAD" || status === 204 || status === 304;
  const { headers, length } = prepare(head.headers, status === 204);
  if (options.close) headers.push("Connection", "close");
  if (body === null || bodiless) {
    if (body instanceof ReadableStream) body.cancel().catch(() => {});
    if (length === undefined && !bodiless) headers.push("Content-Length", "0");
    outgoing.writeHead(status, reason, headers);
    outgoing.end();
    return;
  }
  if (body instanceof Uint8Array) {
    if (length === undefined) headers.push("Content-Length", String(body.byteLength));
    else if (length !== body.byteLength) {
      outgoing.socket?.destroy();
      return;
    }
    outgoing.writeHead(status, reason, headers);
    outgoing.end(body);
    return;
  }
  const parts = new LookAhead(body.getReader());
  const client = new Client(outgoing, options.timeout, () => parts.cancel());
  try {
    const first = await parts.peek();
    let rest = length ?? Infinity;
    if (first !== undefined && !first.done) {
      await parts.next();
      rest -= first.value.byteLength;
      // Most bodies are short, and at hand as a whole: these are written at once, and with their length.
      const whole = head.trailers === undefined && (await parts.peek())?.done === true;
      if (whole && (rest === 0 || length === undefined)) {
        if (length === undefined) headers.push("Content-Length", String(first.value.byteLength));
        outgoing.writeHead(status, reason, headers);
        outgoing.end(first.value);
        return;
      }
      if (rest < 0) throw new Error("The body is longer than announced");
      outgoing.writeHead(status, reason, headers);
      await client.write(first.value);
    } else {
      outgoing.writeHead(status, reason, headers);
      if (first === undefined) flushHead(outgoing);
    }
    for (let part = await parts.next(); !part.done; part = await parts.next()) {
      rest -= part.value.byteLength;
      if (rest < 0) throw new Error("The body is longer than announced");
      await client.write(part.value);
      if (client.gone) return;
    }
    if (length !== undefined && rest !== 0) throw new Error("The body is shorter than announced");
    if (head.trailers !== undefined && length === undefined) addTrailers(outgoing, await head.trailers);
    outgoing.end();
  } catch {
    // Why, the gateway's log says; the client has to see that the answer is not whole.
    if (options.http10) outgoing.socket?.resetAndDestroy();
    else outgoing.socket?.destroy();
    outgoing.destroy();
    parts.cancel();
  } finally {
    client.dispose();
  }
}

/** The client's end, which takes bytes at its own pace, and may stop taking them. */
class Client {
  gone = false;
  readonly #outgoing: ServerResponse;
  readonly #timeout: number;
  readonly #deadline: Deadline;
  #taken: (() => void) | undefined;
  readonly #onDrain = (): void => this.#taken?.();
  readonly #onClose: () => void;

  constructor(outgoing: ServerResponse, timeout: number, left: () => void) {
    this.#outgoing = outgoing;
    this.#timeout = timeout;
    this.#deadline = new Deadline(() => outgoing.socket?.destroy());
    this.#onClose = () => {
      this.gone = true;
      this.#taken?.();
      left();
    };
    outgoing.on("drain", this.#onDrain);
    outgoing.on("close", this.#onClose);
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    if (this.gone || this.#outgoing.write(chunk)) return;
    this.#deadline.set(this.#timeout);
    return new Promise((resolve) => {
      this.#taken = () => {
        this.#taken = undefined;
        this.#deadline.clear();
        resolve();
      };
    });
  }

  dispose(): void {
    this.#deadline.dispose();
    this.#outgoing.off("drain", this.#onDrain);
    this.#outgoing.off("close", this.#onClose);
  }
}

/** A list to be added to, without what cannot be, and the length that it announces. */
function prepare(raw: RawHeaders, withoutLength: boolean): { headers: string[]; length: number | undefined } {
  const headers: string[] = [];
  let length: number | undefined;
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    if (name.length === 14 && name.toLowerCase() === "content-length") {
      if (withoutLength) continue;
      length = Number(raw[i + 1]);
    } else if (name.length === 17 && name.toLowerCase() === "transfer-encoding") continue;
    headers.push(name, raw[i + 1]!);
  }
  return { headers, length };
}

/**
 * Sends the head before there is any body, for streams of events. Node and Deno's `flushHeaders()` sends it as UTF-8, and so changes what is not
 * ASCII in it: there an empty write does it, which on Bun would leave out the head's last line.
 */
function flushHead(outgoing: ServerResponse): void {
  if (ON_BUN) outgoing.flushHeaders();
  else outgoing.write(new Uint8Array(0));
}

const ON_BUN = "Bun" in globalThis;

function addTrailers(outgoing: ServerResponse, raw: RawHeaders): void {
  const fields = sendableTrailers(raw);
  const pairs: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!, fields[i + 1]!]);
  if (pairs.length > 0) outgoing.addTrailers(pairs);
}
