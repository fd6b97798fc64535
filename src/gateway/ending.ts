import { carryHead, headBytes, untouchedAnswer } from "../forward/answer.ts";
import { followBody } from "../forward/body.ts";
import { sameName } from "../net/header-list.ts";
import type { Inbound } from "../net/inbound.ts";
import type { Attempt, ExchangeEnd } from "../pipeline/context.ts";

/** What the end of an exchange is made of. */
export interface EndingSource {
  readonly method: string;
  readonly inbound: Inbound;
  readonly started: number;
  readonly attempts: readonly Attempt[];
}

/** How the body of an answer ended. */
interface BodyEnd {
  readonly complete: boolean;
  readonly bytes: number;
  /** On `performance.now()`'s clock. */
  readonly at: number;
}

/** Follows one exchange to its end, and tells of it once. */
export class Ending {
  /** Bytes of a request's body whose length its fields do not tell. */
  received = 0;
  readonly #source: EndingSource;
  readonly #callbacks: ((end: ExchangeEnd) => void)[] = [];
  #nodeBody: ReadableStream<Uint8Array> | undefined;
  /** When the head of the node's answer was there. */
  #headAt = 0;
  #nodeEnd: BodyEnd | undefined;
  #answer: Response | undefined;
  #tunnels = false;
  #over = false;

  constructor(source: EndingSource) {
    this.#source = source;
  }

  add(callback: (end: ExchangeEnd) => void): void {
    this.#callbacks.push(callback);
  }

  /** Takes note of the body that streams from a node; what it returns is called when that is over. */
  follow(body: ReadableStream<Uint8Array>): (complete: boolean, bytes: number) => void {
    this.#nodeBody = body;
    this.#headAt = performance.now();
    return (complete, bytes) => {
      this.#nodeEnd = { complete, bytes, at: performance.now() };
      if (this.#answer !== undefined) this.#finish(this.#nodeEnd);
    };
  }

  /** Takes note that the connection was taken over, as {@link Ending.follow} does of a body. What is said in it is not counted. */
  tunnel(): (complete: boolean) => void {
    this.#tunnels = true;
    this.#headAt = performance.now();
    return (complete) => {
      this.#nodeEnd = { complete, bytes: 0, at: performance.now() };
      if (this.#answer !== undefined) this.#finish(this.#nodeEnd);
    };
  }

  /**
   * The answer is on its way to the listener.
   *
   * @returns The answer to send instead: the same, unless its body has to be followed.
   */
  answered(answer: Response): Response {
    this.#answer = answer;
    if (this.#callbacks.length === 0) return answer;
    // To ask a Response for its body or its fields makes them, which costs something on every runtime.
    const untouched = untouchedAnswer(answer);
    if (this.#tunnels || this.#nodeBody !== undefined && (untouched ?? answer).body === this.#nodeBody) {
      if (this.#nodeEnd !== undefined) this.#finish(this.#nodeEnd);
      return answer;
    }
    if (untouched !== undefined) {
      const bytes = untouched.body instanceof Uint8Array ? untouched.body.byteLength : 0;
      this.#finish({ complete: true, bytes, at: performance.now() });
      return answer;
    }
    const length = this.#source.method === "HEAD" ? "0" : answer.headers.get("content-length");
    if (length !== null || answer.body === null) {
      const bytes = length === null || answer.status === 304 ? 0 : Number(length);
      this.#finish({ complete: true, bytes, at: performance.now() });
      return answer;
    }
    const followed = followBody(answer.body, (complete, bytes) => {
      this.#finish({ complete, bytes, at: performance.now() });
    });
    this.#nodeBody = followed;
    return carryHead(answer, new Response(followed, answer));
  }

  #finish({ complete, bytes, at }: BodyEnd): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#callbacks.length === 0) return;
    const { attempts, started, inbound, method } = this.#source;
    const answer = this.#answer!, nodeEnd = this.#nodeEnd;
    let upstreamMs: number | undefined;
    for (const attempt of attempts) upstreamMs = (upstreamMs ?? 0) + attempt.ms;
    if (nodeEnd !== undefined) upstreamMs = (upstreamMs ?? 0) + nodeEnd.at - this.#headAt;
    const end: ExchangeEnd = {
      complete,
      bytes,
      status: attempts.at(-1)?.status === 101 ? 101 : answer.status,
      ms: at - started,
      upstreamMs,
      received: requestBytes(method, inbound) + this.received,
      sent: headBytes(answer) + bytes,
    };
    for (const callback of this.#callbacks) callback(end);
  }
}

/** Whether a request's fields tell how long its body is. */
export function tellsLength({ headers }: Inbound): boolean {
  for (let i = 0; i < headers.length; i += 2) if (sameName(headers[i]!, "content-length")) return true;
  return false;
}

/** Bytes of a request's line and fields as received (with one space after each colon), and of a body whose length they tell. */
function requestBytes(method: string, { target, headers }: Inbound): number {
  let bytes = method.length + target.length + 14;
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i]!, value = headers[i + 1]!;
    bytes += name.length + value.length + 4;
    if (name.length === 14 && sameName(name, "content-length")) bytes += Number(value);
  }
  return bytes;
}
