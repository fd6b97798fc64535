/**
 * Frames with mistakes in them, 50,000 connections of them, or as many as `GATEWATCH_FUZZ_INPUTS` says. Whatever the other side sends: nothing is thrown,
 * nothing ends as an error of our own, how it is cut into pieces changes nothing, and a stream that is over hears nothing more.
 */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import process from "node:process";
import { describe, it } from "node:test";
import { HpackEncoder } from "../../../../src/runtimes/http2/hpack/encoder.ts";
import { CODE, FLAG, FRAME, PREFACE } from "../../../../src/runtimes/http2/protocol.ts";
import { Session, type SessionUser } from "../../../../src/runtimes/http2/session.ts";
import type { Stream, StreamUser } from "../../../../src/runtimes/http2/stream.ts";
import { frameBytes, number } from "../../../support/http2-raw.ts";
import { FakeSocket } from "../transports/http1/fake-socket.ts";
import { createRandom, offsets } from "../wire/mutate.ts";

const INPUTS = Number(process.env["GATEWATCH_FUZZ_INPUTS"] ?? 50_000);
const SEED = Number(process.env["GATEWATCH_FUZZ_SEED"] ?? 20261128);
const MAX_STREAMS = 4;
const WINDOW = 70_000;

type Role = "client" | "server";
type Random = (below: number) => number;

describe("a connection over HTTP/2 whose other side makes mistakes", () => {
  for (const role of ["server", "client"] satisfies Role[]) {
    it(`as a ${role}: hears the same however it is cut (${INPUTS / 2} connections)`, async () => {
      const random = createRandom(SEED + role.length);
      let used = 0, broken = 0;
      for (let i = 0; i < INPUTS / 2; i++) {
        const wire = connection(role, random);
        const whole = new Side(role), pieces = new Side(role);
        const at = offsets(wire.byteLength, random);
        const where = (): string => `connection ${i}, cut at ${at}: ${wire.toString("hex")}`;
        try {
          whole.take([wire]);
          pieces.take(cut(wire, at));
          // What was written goes out at the end of the turn.
          await undefined;
        } catch (error) {
          throw new Error(`thrown by ${where()}`, { cause: error });
        }
        if (whole.heard.join("\n") !== pieces.heard.join("\n")) assert.deepEqual(pieces.heard, whole.heard, where());
        const said = whole.socket.frames();
        if (!said.equals(pieces.socket.frames())) assert.fail(`another answer to ${where()}`);
        assert.deepEqual(whole.broken, [], where());
        assert.notEqual(whole.endCode(), CODE.internal, where());
        if (whole.session.over) broken++;
        if (whole.answered > 0) used++;
      }
      assert.ok(used > INPUTS / 20, `only ${used} connections got as far as a message`);
      assert.ok(broken > INPUTS / 20, `only ${broken} connections were ended for a mistake`);
    });
  }
});

/** Keeps what is written. */
class Recorder extends FakeSocket {
  readonly #parts: Uint8Array[] = [];
  readonly writableLength = 0;

  override write(part: string | Uint8Array): boolean {
    if (typeof part !== "string") this.#parts.push(part);
    return true;
  }

  frames(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** Our side of a connection: answers what it can, and writes down what it hears. */
class Side implements SessionUser {
  readonly socket: Recorder = new Recorder();
  readonly session: Session;
  readonly heard: string[] = [];
  /** What the session must not do. */
  readonly broken: string[] = [];
  answered = 0;
  #over = false;

  constructor(role: Role) {
    this.session = new Session(this.socket.socket, {
      role,
      maxStreams: MAX_STREAMS,
      streamWindow: WINDOW,
      window: role === "server" ? WINDOW * 2 : undefined,
      maxListBytes: 4096,
    }, this);
    if (role === "server") return;
    for (let i = 0; i < 3; i++) {
      const stream = this.session.open()!;
      this.#listen(stream);
      stream.headers([":method", "POST", ":scheme", "http", ":path", `/${i}`, ":authority", "a"], i === 0);
      if (i > 0) stream.write(new Uint8Array(100), i === 1);
    }
  }

  take(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      if (piece.byteLength > 0) this.session.take(piece);
      if (this.session.streams.size > MAX_STREAMS) this.broken.push("more streams than there may be");
    }
  }

  /** Code of the GOAWAY that was said, where one was. */
  endCode(): number | undefined {
    const bytes = this.socket.frames();
    let code: number | undefined;
    for (let at = 0; at < bytes.byteLength; at += 9 + bytes.readUIntBE(at, 3)) {
      if (bytes[at + 3] === FRAME.goAway) code = bytes.readUInt32BE(at + 13);
    }
    return code;
  }

  onStream(stream: Stream, fields: string[], ended: boolean, tooLarge: boolean): void {
    this.#note(`${stream.id} opened ${ended} ${tooLarge} ${JSON.stringify(fields)}`);
    this.answered++;
    this.#listen(stream);
    switch (stream.id % 16) {
      case 1:
        stream.headers([":status", "200"], false);
        stream.write(new Uint8Array(40_000), true);
        break;
      case 3:
        stream.headers([":status", "204"], true);
        break;
      case 5:
        stream.reset(CODE.cancel);
        break;
    }
  }

  onClosed(stream: Stream): void {
    this.#note(`${stream.id} closed`);
  }

  onGoAway(): void {
    this.#note("goes away");
  }

  onEnd(cause: Error | undefined): void {
    this.#note(`end ${cause?.message}`);
    this.#over = true;
  }

  #listen(stream: Stream): void {
    let state: "open" | "ended" | "over" = "open";
    const note = (what: string, next: typeof state = state): void => {
      if (state === "over" || state === "ended" && next !== "over") {
        this.broken.push(`${stream.id} ${what} after ${state}`);
      }
      state = next;
      this.#note(`${stream.id} ${what}`);
    };
    stream.user = {
      onHeaders: (fields, ended) => {
        this.answered++;
        note(`headers ${ended} ${JSON.stringify(fields)}`);
      },
      onData: (bytes) => {
        note(`data ${Buffer.from(bytes).toString("hex")}`);
        // Some readers are slow.
        if (stream.id % 4 === 1) stream.consumed(bytes.byteLength);
      },
      onEnd: () => note("ended", "ended"),
      onReset: (code, untouched) => note(`reset ${code} ${untouched}`, "over"),
      onProgress: () => {},
      onDrain: () => {},
    } satisfies StreamUser;
  }

  #note(what: string): void {
    if (this.#over && !what.includes("reset")) this.broken.push(`${what} after the end`);
    this.heard.push(what);
  }
}

/** All that the other side sends. */
function connection(role: Role, random: Random): Buffer {
  const encoder = new HpackEncoder();
  const frames = [settings(random)];
  if (random(50) === 0) frames.length = 0;
  const ids = new Ids(role, random);
  for (let i = random(24); i >= 0; i--) frames.push(frame(role, encoder, ids, random));
  if (random(4) === 0) frames.splice(random(frames.length), 0, frames[random(frames.length)]!);
  if (random(4) === 0) frames.splice(random(frames.length), 1);
  const wire = Buffer.concat(role === "server" ? [Buffer.from(PREFACE), ...frames] : frames);
  return random(3) > 0 ? wire : damage(wire, random);
}

/** Numbers of streams: a mistake breaks the connection, so that few are made. */
class Ids {
  readonly #random: Random;
  readonly #open: number[];

  constructor(role: Role, random: Random) {
    this.#random = random;
    this.#open = role === "client" ? [1, 3, 5] : [];
  }

  /** For a head: the next one, or one that has had its head. */
  opening(role: Role): number {
    if (role === "client" || this.#random(4) === 0) return this.used();
    const id = (this.#open.at(-1) ?? -1) + 2;
    this.#open.push(id);
    return id;
  }

  used(): number {
    if (this.#open.length === 0 || this.#random(40) === 0) return this.#random(this.#random(2) === 0 ? 8 : 1 << 30);
    return this.#open[this.#random(this.#open.length)]!;
  }
}

function settings(random: Random): Buffer {
  const payload = Buffer.alloc(6 * random(4));
  for (let at = 0; at < payload.byteLength; at += 6) {
    payload.writeUInt16BE(1 + random(8), at);
    payload.writeUInt32BE(random(12) === 0 ? 0xffffffff : [0, 1, 100, 16_384, 65_535, 1_000_000][random(6)]!, at + 2);
  }
  return bytes(FRAME.settings, random(60) === 0 ? FLAG.ack : 0, random(60) === 0 ? 1 : 0, payload);
}

function frame(role: Role, encoder: HpackEncoder, ids: Ids, random: Random): Buffer {
  const flags = random(20) === 0 ? random(256) : 0;
  const kind = random(14);
  if (kind < 4) return headers(role, encoder, ids.opening(role), flags, random);
  const id = ids.used();
  switch (kind) {
    case 4:
    case 5:
    case 6:
      return bytes(
        FRAME.data,
        flags | random(2),
        id,
        padded(Buffer.alloc(random(8) === 0 ? 16_384 : random(64), 7), random),
      );
    case 7:
      return bytes(FRAME.window, flags, id, sized(number([0, 1, 1000, 0x7fffffff][random(4)]!), random));
    case 8:
      return bytes(FRAME.reset, flags, id, sized(number(random(14)), random));
    case 9:
      return settings(random);
    case 10:
      return bytes(
        FRAME.ping,
        flags | random(2),
        random(10) === 0 ? id : 0,
        Buffer.alloc(random(10) === 0 ? random(12) : 8),
      );
    case 11:
      return bytes(FRAME.priority, flags, id, Buffer.alloc(random(10) === 0 ? random(8) : 5, random(4)));
    case 12:
      return bytes(
        FRAME.goAway,
        flags,
        random(10) === 0 ? id : 0,
        Buffer.concat([number(random(8)), number(random(14))]),
      );
    default:
      return bytes(random(256), flags, id, Buffer.alloc(random(32), random(256)));
  }
}

/** A head, whole or in two frames, of which the second may be missing. */
function headers(role: Role, encoder: HpackEncoder, id: number, flags: number, random: Random): Buffer {
  const first = role === "server"
    ? [":method", "GET", ":scheme", "http", ":path", `/${random(100)}`, ":authority", "a"]
    : [":status", String(200 + random(5))];
  const fields = random(8) === 0 ? ["x-trailer", "1"] : [...first, `x-${random(20)}`, "v".repeat(random(40))];
  const block = random(40) === 0
    ? Buffer.from(Array.from({ length: random(24) }, () => random(256)))
    : Buffer.from(encoder.encode(fields));
  const end = random(2);
  if (random(6) > 0) return bytes(FRAME.headers, flags | FLAG.endHeaders | end, id, block);
  const at = random(block.byteLength + 1);
  const head = bytes(FRAME.headers, flags | end, id, block.subarray(0, at));
  if (random(6) === 0) return head;
  return Buffer.concat([head, bytes(FRAME.continuation, FLAG.endHeaders, id, block.subarray(at))]);
}

/** Some have another size than they should. */
function sized(payload: Uint8Array, random: Random): Uint8Array {
  return random(8) === 0 ? payload.subarray(0, random(payload.byteLength)) : payload;
}

/** As it is, since few frames have the flag that says that they are padded. */
function padded(payload: Buffer, random: Random): Buffer {
  if (random(8) === 0 && payload.byteLength > 0) payload[0] = random(payload.byteLength);
  return payload;
}

function damage(wire: Buffer, random: Random): Buffer {
  const at = random(wire.byteLength), to = Math.min(wire.byteLength, at + 1 + random(12));
  switch (random(4)) {
    case 0:
      wire[at] = random(256);
      return wire;
    case 1:
      return Buffer.concat([wire.subarray(0, at), wire.subarray(to)]);
    case 2:
      return Buffer.concat([wire.subarray(0, to), wire.subarray(at)]);
    default:
      return wire.subarray(0, at);
  }
}

function bytes(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  return Buffer.from(frameBytes(type, flags, id, payload));
}

function cut(wire: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at, wire.byteLength];
  return edges.slice(1).map((end, i) => wire.subarray(edges[i]!, end));
}
