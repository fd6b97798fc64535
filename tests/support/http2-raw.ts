import { Buffer } from "node:buffer";
import { HpackDecoder } from "../../src/runtimes/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../src/runtimes/http2/hpack/encoder.ts";
import { FLAG, FRAME, PREFACE } from "../../src/runtimes/http2/protocol.ts";
import { rawConnect, type RawConnection } from "./raw.ts";

/** A frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
  /** Of HEADERS: the fields of the whole block, those of CONTINUATION included. */
  readonly fields: readonly string[];
}

/** A message on a stream: what came until its end, or its reset. */
export interface Http2Message {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
  readonly trailers: readonly string[];
  /** Code of an RST_STREAM, where one came. */
  readonly reset: number | undefined;
  /** Whether the other side has ended its own. */
  readonly ended: boolean;
}

/** One side of HTTP/2 whose frames are written and read by hand. */
export class RawHttp2 {
  readonly connection: RawConnection;
  readonly #encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder(4096, 1 << 20);
  /** Read for somebody else. */
  #passed: RawFrame[] = [];

  constructor(connection: RawConnection) {
    this.connection = connection;
  }

  /** Sends a frame; flags and payload may be anything. */
  frame(type: number, flags: number, stream: number, payload: Uint8Array | string = ""): Promise<void> {
    return this.connection.write(frameBytes(type, flags, stream, payload));
  }

  /** Sends a head in one frame. @param end Whether it ends the stream. */
  headers(stream: number, fields: readonly string[], end = true): Promise<void> {
    return this.frame(FRAME.headers, FLAG.endHeaders | (end ? FLAG.endStream : 0), stream, this.block(fields));
  }

  data(stream: number, payload: Uint8Array | string, end = false): Promise<void> {
    return this.frame(FRAME.data, end ? FLAG.endStream : 0, stream, payload);
  }

  block(fields: readonly string[]): Uint8Array {
    return this.#encoder.encode(fields);
  }

  /** @param settings Numbers and values by turns. */
  settings(...settings: number[]): Promise<void> {
    const payload = Buffer.alloc(settings.length * 3);
    for (let i = 0; i + 1 < settings.length; i += 2) {
      payload.writeUInt16BE(settings[i]!, i * 3);
      payload.writeUInt32BE(settings[i + 1]!, i * 3 + 2);
    }
    return this.frame(FRAME.settings, 0, 0, payload);
  }

  window(stream: number, bytes: number): Promise<void> {
    return this.frame(FRAME.window, 0, stream, number(bytes));
  }

  reset(stream: number, code: number): Promise<void> {
    return this.frame(FRAME.reset, 0, stream, number(code));
  }

  /** The next frame that is of interest; others stay for later. */
  async find(wanted: (frame: RawFrame) => boolean, ms?: number): Promise<RawFrame> {
    const at = this.#passed.findIndex(wanted);
    if (at >= 0) return this.#passed.splice(at, 1)[0]!;
    for (;;) {
      const frame = await this.#read(ms);
      if (wanted(frame)) return frame;
      this.#passed.push(frame);
    }
  }

  goAway(ms?: number): Promise<number> {
    return this.find(({ type }) => type === FRAME.goAway, ms).then(({ payload }) => payload.readUInt32BE(4));
  }

  /** The fields of a head on a stream, and its frame. */
  async head(stream: number, ms?: number): Promise<{ readonly fields: readonly string[]; readonly end: boolean }> {
    const frame = await this.find(({ type, stream: id }) => id === stream && type === FRAME.headers, ms);
    return { fields: frame.fields, end: (frame.flags & FLAG.endStream) !== 0 };
  }

  /** Reads until a stream's end. */
  async message(stream: number, ms?: number): Promise<Http2Message> {
    let headers: readonly string[] | undefined, trailers: readonly string[] = [];
    let body = "", reset: number | undefined, ended = false;
    while (!ended && reset === undefined) {
      const { type, flags, payload, fields } = await this.find(({ stream: id }) => id === stream, ms);
      if (type === FRAME.headers) {
        if (headers === undefined || headers[1]?.startsWith("1")) headers = fields;
        else trailers = fields;
      } else if (type === FRAME.data) body += payload.toString("latin1");
      else if (type === FRAME.reset) reset = payload.readUInt32BE(0);
      if ((type === FRAME.headers || type === FRAME.data) && (flags & FLAG.endStream) !== 0) ended = true;
    }
    return { status: Number(headers?.[1] ?? 0), headers: headers ?? [], body, trailers, reset, ended };
  }

  async #read(ms?: number): Promise<RawFrame> {
    const frame = await this.#readFrame(ms);
    if (frame.type !== FRAME.headers) return { ...frame, fields: [] };
    const parts = [frame.payload];
    for (let { flags } = frame; (flags & FLAG.endHeaders) === 0;) {
      const more = await this.#readFrame(ms);
      if (more.type !== FRAME.continuation || more.stream !== frame.stream) throw new Error("Broken header block");
      parts.push(more.payload);
      flags = more.flags;
    }
    // Blocks are decoded in the order in which they come, whoever asks for them when: they share a table.
    return { ...frame, fields: this.#decoder.decode(Buffer.concat(parts)).fields };
  }

  async #readFrame(ms?: number): Promise<Omit<RawFrame, "fields">> {
    const head = Buffer.from(await this.connection.read(9, ms));
    const payload = Buffer.from(await this.connection.read(head.readUIntBE(0, 3), ms));
    return { type: head[3]!, flags: head[4]!, stream: head.readUInt32BE(5) & 0x7fffffff, payload };
  }
}

/** Connects as a client that has begun well. */
export async function http2Connect(port: number): Promise<RawHttp2> {
  const client = new RawHttp2(await rawConnect(port));
  await client.connection.write(PREFACE);
  await client.settings();
  await client.frame(FRAME.settings, FLAG.ack, 0);
  return client;
}

export function frameBytes(type: number, flags: number, stream: number, payload: Uint8Array | string = ""): Uint8Array {
  const body = typeof payload === "string" ? Buffer.from(payload, "latin1") : payload;
  const bytes = Buffer.alloc(9 + body.byteLength);
  bytes.writeUIntBE(body.byteLength, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(stream, 5);
  bytes.set(body, 9);
  return bytes;
}

/** Four bytes. */
export function number(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A request's fields. */
export function request(path = "/", ...fields: string[]): string[] {
  return [":method", "GET", ":scheme", "http", ":path", path, ":authority", "gate.test", ...fields];
}

export function upload(...fields: string[]): string[] {
  return [":method", "POST", ":scheme", "http", ":path", "/", ":authority", "gate.test", ...fields];
}

/** A connection that a client has opened, after its preface: the other side is written and read by hand. */
export async function http2Accept(connection: RawConnection, ...settings: number[]): Promise<RawHttp2> {
  await connection.readUntil(PREFACE);
  const node = new RawHttp2(connection);
  await node.settings(...settings);
  await node.frame(FRAME.settings, FLAG.ack, 0);
  return node;
}
