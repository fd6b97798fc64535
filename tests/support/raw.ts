import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { connect as connectTls, createServer as createTlsServer, type TlsOptions } from "node:tls";

/** How a connection ended, seen from this side. */
export type End = "open" | "fin" | "reset" | "closed";

/** An HTTP/1.1 message as it came over the wire; text is Latin-1, so that every byte can be looked at. */
export interface RawMessage {
  readonly startLine: string;
  /** Name, value, name, value, ... */
  readonly headers: string[];
  readonly body: Uint8Array;
  readonly trailers: string[];
  /** False where the connection ended within the body. */
  readonly complete: boolean;
  /** Sizes of the chunks of a chunked body. */
  readonly chunks: number[];
}

/** Milliseconds that anything here may take before it counts as failed. */
const LIMIT = 10_000;

/** A connection whose bytes are written and read by hand. */
export class RawConnection {
  readonly socket: Socket;
  /** What has come and was not read yet. */
  #parts: Uint8Array[] = [];
  #length = 0;
  #end: End = "open";
  #wake: (() => void)[] = [];
  /** Bytes received in all. */
  received = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Uint8Array) => {
      this.received += chunk.byteLength;
      this.#parts.push(new Uint8Array(chunk));
      this.#length += chunk.byteLength;
      this.#notify();
    });
    socket.on("end", () => this.#ended("fin"));
    socket.on("error", () => this.#ended("reset"));
    socket.on("close", () => this.#ended("closed"));
  }

  get end(): End {
    return this.#end;
  }

  /** Writes text as Latin-1, or bytes; resolves when the system has taken it. */
  async write(data: string | Uint8Array): Promise<void> {
    const bytes = typeof data === "string" ? latin1(data) : data;
    if (this.socket.destroyed || this.socket.write(bytes)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.socket.off("drain", done);
        this.socket.off("close", done);
        resolve();
      };
      this.socket.on("drain", done);
      this.socket.on("close", done);
    });
  }

  /** Ends the writing side. */
  finish(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Stops reading, so that the other side's writes fill the buffers. */
  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Waits until the connection is over, and says how. */
  async ended(ms: number = LIMIT): Promise<End> {
    await this.#until(() => this.#end !== "open", ms, "the connection to end");
    return this.#end;
  }

  /** Reads until the text, and returns all up to its end. */
  async readUntil(text: string, ms: number = LIMIT): Promise<string> {
    const wanted = latin1(text);
    let at = -1;
    await this.#until(() => (at = this.#find(wanted)) >= 0 || this.#end !== "open", ms, JSON.stringify(text));
    if (at < 0) throw new Error(`The connection ended (${this.#end}) before ${JSON.stringify(text)}: ${this.peek()}`);
    return string(this.#take(at + text.length));
  }

  /** Reads that many bytes. */
  async read(bytes: number, ms: number = LIMIT): Promise<Uint8Array> {
    await this.#until(() => this.#length >= bytes || this.#end !== "open", ms, `${bytes} bytes`);
    if (this.#length < bytes) {
      throw new Error(`The connection ended (${this.#end}) after ${this.#length} of ${bytes} bytes`);
    }
    return this.#take(bytes);
  }

  /** Everything until the connection ends. */
  async readAll(ms: number = LIMIT): Promise<Uint8Array> {
    await this.ended(ms);
    return this.#take(this.#length);
  }

  /** What has come and was not read yet. */
  peek(): string {
    return string(concat(this.#parts));
  }

  /** Drops what has come and was not read yet. */
  drop(): void {
    this.#parts = [];
    this.#length = 0;
  }

  /** Reads the head of a message, without its body. */
  async readHead(ms: number = LIMIT): Promise<{ startLine: string; headers: string[] }> {
    const [startLine = "", ...lines] = (await this.readUntil("\r\n\r\n", ms)).slice(0, -4).split("\r\n");
    return { startLine, headers: fields(lines) };
  }

  /** Reads a whole message. @param method The method that an answer belongs to: one to HEAD has no body. */
  async readMessage(method: string = "", ms: number = LIMIT): Promise<RawMessage> {
    const { startLine, headers } = await this.readHead(ms);
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(startLine)?.[1] ?? 0);
    const message = { startLine, headers, trailers: [] as string[], chunks: [] as number[] };
    if (method === "HEAD" || status === 204 || status === 304 || (status > 0 && status < 200)) {
      return { ...message, body: new Uint8Array(0), complete: true };
    }
    if (header(headers, "transfer-encoding")?.toLowerCase() === "chunked") return await this.#readChunked(message, ms);
    const length = header(headers, "content-length");
    if (length === undefined && status === 0) return { ...message, body: new Uint8Array(0), complete: true };
    if (length === undefined) return { ...message, body: await this.readAll(ms), complete: true };
    const wanted = Number(length);
    await this.#until(() => this.#length >= wanted || this.#end !== "open", ms, `a body of ${wanted} bytes`);
    const complete = this.#length >= wanted;
    return { ...message, body: this.#take(Math.min(wanted, this.#length)), complete };
  }

  async #readChunked(message: Omit<RawMessage, "body" | "complete">, ms: number): Promise<RawMessage> {
    const parts: Uint8Array[] = [];
    try {
      while (true) {
        const size = parseInt(await this.readUntil("\r\n", ms), 16);
        if (size === 0) break;
        message.chunks.push(size);
        parts.push(await this.read(size, ms));
        await this.read(2, ms);
      }
      const lines: string[] = [];
      for (let line = await this.readUntil("\r\n", ms); line !== "\r\n"; line = await this.readUntil("\r\n", ms)) {
        lines.push(line.slice(0, -2));
      }
      return { ...message, body: concat(parts), trailers: fields(lines), complete: true };
    } catch (error) {
      if (this.#end === "open") throw error;
      return { ...message, body: concat(parts), complete: false };
    }
  }

  #ended(end: End): void {
    if (this.#end === "open") this.#end = end;
    this.#notify();
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  async #until(condition: () => boolean, ms: number, what: string): Promise<void> {
    const deadline = Date.now() + ms;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) {
        throw new Error(`No ${what} within ${ms} ms; what came: ${JSON.stringify(this.peek().slice(0, 500))}`);
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** Where the bytes stand, or -1; joins only as many parts as it takes. */
  #find(wanted: Uint8Array): number {
    for (;;) {
      const first = this.#parts[0];
      if (first === undefined) return -1;
      const at = indexOf(first, wanted);
      if (at >= 0) return at;
      if (this.#parts.length === 1) return -1;
      // Twice as many at a time, so that a long way costs no more than a short one for each byte.
      const count = Math.max(2, Math.ceil(this.#parts.length / 2));
      this.#parts.splice(0, count, concat(this.#parts.slice(0, count)));
    }
  }

  #take(bytes: number): Uint8Array {
    const taken: Uint8Array[] = [];
    let left = bytes;
    while (left > 0) {
      const first = this.#parts[0]!;
      if (first.byteLength <= left) {
        taken.push(first);
        this.#parts.shift();
      } else {
        taken.push(first.subarray(0, left));
        this.#parts[0] = first.subarray(left);
      }
      left -= Math.min(left, first.byteLength);
    }
    this.#length -= bytes;
    return taken.length === 1 ? taken[0]! : concat(taken);
  }
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return at;
  }
  return -1;
}

/** Connects to a port of 127.0.0.1. */
export function rawConnect(port: number): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new RawConnection(socket));
    });
  });
}

/** Connects, writes all of it, and reads one answer. */
export async function rawRequest(port: number, text: string | Uint8Array, method: string = ""): Promise<RawMessage> {
  const client = await rawConnect(port);
  try {
    void client.write(text);
    return await client.readMessage(method);
  } finally {
    client.destroy();
  }
}

/** A server that speaks nothing by itself. */
export interface RawOrigin {
  readonly port: number;
  /** Every connection so far, oldest first. */
  readonly connections: RawConnection[];
  /** Waits until there have been that many connections, and returns the last of them. */
  connection(count: number): Promise<RawConnection>;
  close(): Promise<void>;
}

/** @param serve What to do with each connection; its errors end the connection. */
export function rawOrigin(
  serve: (connection: RawConnection, index: number) => void | Promise<void>,
  tls?: TlsOptions,
): Promise<RawOrigin> {
  const connections: RawConnection[] = [];
  let waiting: (() => void)[] = [];
  const accept = (socket: Socket): void => {
    socket.setNoDelay(true);
    const connection = new RawConnection(socket);
    connections.push(connection);
    for (const wake of waiting) wake();
    waiting = [];
    void (async () => {
      try {
        await serve(connection, connections.length - 1);
      } catch {
        connection.destroy();
      }
    })();
  };
  const server = tls === undefined
    ? createServer({ allowHalfOpen: true }, accept)
    : createTlsServer({ ...tls, allowHalfOpen: true }, accept);
  server.on("tlsClientError", (_error: Error, socket: Socket) => socket.destroy());
  // Beneath TLS there are connections that never got so far as to be accepted.
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        connections,
        async connection(count) {
          while (connections.length < count) {
            await within(new Promise<void>((wake) => waiting.push(wake)), LIMIT, `${count} connections`);
          }
          return connections[count - 1]!;
        },
        close() {
          for (const connection of connections) connection.destroy();
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      });
    });
  });
}

/** Connects with TLS, trusting anybody: for looking at what a server presents. */
export function rawConnectTls(port: number, servername: string): Promise<RawConnection> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      socket.off("error", reject);
      resolve(new RawConnection(socket));
    });
  });
}

/** Fails what takes longer. */
export async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`No ${what} within ${ms} ms`)), ms);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a condition holds, looking every 10 ms. */
export async function until(condition: () => boolean, ms: number, what: string): Promise<void> {
  const deadline = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The first field of that name. */
export function header(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) {
    if (headers[i]!.toLowerCase() === name.toLowerCase()) return headers[i + 1];
  }
  return undefined;
}

/** All fields of that name. */
export function headersOf(headers: readonly string[], name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1]!.toLowerCase() === name.toLowerCase());
}

export function latin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function string(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.byteLength; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

function fields(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "")];
  });
}
