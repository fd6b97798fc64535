/** What of a TLS ClientHello a certificate is chosen by (RFC 8446 section 4.1.2). */
export interface ClientHello {
  /** Lower case, without a dot at the end; undefined where the client names none, or what is no name. */
  readonly serverName: string | undefined;
  /** Cipher suites, as numbers of the registry. */
  readonly ciphers: readonly number[];
  /** Signature algorithms; empty where the client says nothing of them. */
  readonly signatures: readonly number[];
  /** Whether the client speaks TLS 1.3. */
  readonly tls13: boolean;
}

/** Most bytes that are held until a ClientHello is complete. Those of browsers have some 2 kB, post-quantum keys included. */
export const MAX_HELLO: number = 16 * 1024;

const HANDSHAKE = 22, CLIENT_HELLO = 1;
const SERVER_NAME = 0, SIGNATURE_ALGORITHMS = 13, SUPPORTED_VERSIONS = 43;
const TLS13 = 0x0304;
const NAME = /^[a-z0-9_](?:[a-z0-9_.-]{0,253}[a-z0-9_-])?$/;

/**
 * Reads the ClientHello that a connection begins with, in however many records it comes.
 *
 * @returns `more` where it is not complete, `bad` where it never will be one: it is something else, malformed, or larger than {@link MAX_HELLO}.
 */
export function readClientHello(bytes: Uint8Array): ClientHello | "more" | "bad" {
  const message = joinRecords(bytes);
  if (typeof message === "string") return message;
  try {
    return readBody(new Reader(message));
  } catch {
    return "bad";
  }
}

/** The handshake message without its header, taken out of its records. */
function joinRecords(bytes: Uint8Array): Uint8Array | "more" | "bad" {
  let joined: Uint8Array = new Uint8Array(0);
  let at = 0;
  for (;;) {
    const incomplete = bytes.byteLength >= MAX_HELLO ? "bad" : "more";
    if (at < bytes.byteLength && bytes[at] !== HANDSHAKE) return "bad";
    if (at + 1 < bytes.byteLength && bytes[at + 1] !== 3) return "bad";
    if (at + 5 > bytes.byteLength) return incomplete;
    const length = bytes[at + 3]! << 8 | bytes[at + 4]!;
    // An empty record of a handshake is not allowed, and would let a client send records without end.
    if (length === 0 || length > 16_384) return "bad";
    const end = Math.min(at + 5 + length, bytes.byteLength);
    joined = concat(joined, bytes.subarray(at + 5, end));
    if (joined.byteLength > 0 && joined[0] !== CLIENT_HELLO) return "bad";
    if (joined.byteLength >= 4) {
      const wanted = joined[1]! << 16 | joined[2]! << 8 | joined[3]!;
      if (wanted > MAX_HELLO) return "bad";
      if (joined.byteLength >= 4 + wanted) return joined.subarray(4, 4 + wanted);
    }
    if (end < at + 5 + length) return incomplete;
    at = end;
  }
}

function readBody(body: Reader): ClientHello {
  body.skip(2 + 32);
  body.skip(body.number(1));
  const ciphers = body.numbers(body.number(2));
  body.skip(body.number(1));
  let serverName: string | undefined;
  let signatures: readonly number[] = [];
  let tls13 = false;
  // TLS 1.2 allows a hello that ends here.
  const extensions = body.done ? undefined : body.part(body.number(2));
  while (extensions !== undefined && !extensions.done) {
    const type = extensions.number(2);
    const content = extensions.part(extensions.number(2));
    if (type === SERVER_NAME) serverName ??= readServerName(content);
    else if (type === SIGNATURE_ALGORITHMS) signatures = content.numbers(content.number(2));
    else if (type === SUPPORTED_VERSIONS) tls13 = content.numbers(content.number(1)).includes(TLS13);
  }
  return { serverName, ciphers, signatures, tls13 };
}

/** RFC 6066 section 3: a list, of which `host_name` (0) is the one type that there is. */
function readServerName(content: Reader): string | undefined {
  const list = content.part(content.number(2));
  while (!list.done) {
    const type = list.number(1);
    const value = list.part(list.number(2));
    if (type !== 0) continue;
    const name = value.text().toLowerCase().replace(/\.$/, "");
    return NAME.test(name) ? name : undefined;
  }
  return undefined;
}

/** Reads numbers, and throws where there are not as many bytes. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.byteLength;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.byteLength) throw new RangeError("The message ends before");
    this.#at += count;
  }

  number(size: 1 | 2): number {
    const from = this.#at;
    this.skip(size);
    return size === 1 ? this.#bytes[from]! : this.#bytes[from]! << 8 | this.#bytes[from + 1]!;
  }

  /** Numbers of two bytes that fill so many. */
  numbers(bytes: number): number[] {
    const part = this.part(bytes);
    const found: number[] = [];
    while (!part.done) found.push(part.number(2));
    return found;
  }

  part(bytes: number): Reader {
    const from = this.#at;
    this.skip(bytes);
    return new Reader(this.#bytes.subarray(from, from + bytes));
  }

  text(): string {
    return String.fromCharCode(...this.#bytes);
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (a.byteLength === 0) return b;
  const both = new Uint8Array(a.byteLength + b.byteLength);
  both.set(a);
  both.set(b, a.byteLength);
  return both;
}
