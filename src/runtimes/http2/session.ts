import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { RawHeaders } from "../../net/raw-headers.ts";
import { Budget } from "./budget.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { HeaderBlock } from "./header-block.ts";
import { HpackDecoder } from "./hpack/decoder.ts";
import { DEFAULT_TABLE_SIZE } from "./hpack/dynamic-table.ts";
import { HpackEncoder } from "./hpack/encoder.ts";
import { HpackError } from "./hpack/error.ts";
import { initialSettings, type PeerSettings, readSettings } from "./peer-settings.ts";
import { CODE, ConnectionError, FLAG, FRAME, MOST_WINDOW, PREFACE, SETTING } from "./protocol.ts";
import { Receiver } from "./receiver.ts";
import { Sender } from "./sender.ts";
import { Stream, type StreamOwner } from "./stream.ts";

/**
 * Streams that this side has ended, whose frames may still be on their way: they are passed over. A client may have as many of them as the server allows
 * at once, and give all of them up in one moment.
 */
const REMEMBERED = { server: 256, client: 16_384 } as const;
/** Bytes that the other side has not read, at which no more is read of it. */
const MOST_UNREAD = 256 * 1024;
const NONE: Buffer = Buffer.alloc(0);

export interface SessionOptions {
  /** Which side this is. */
  readonly role: "client" | "server";
  /** Streams at once that the other side may open. */
  readonly maxStreams: number;
  /** Bytes that are taken on one stream before somebody reads them. */
  readonly streamWindow: number;
  /** The same on all streams of the connection; undefined: as much as its streams take, so that one which nobody reads does not stop the others. */
  readonly window: number | undefined;
  /** Bytes of a list of fields, as RFC 9113 section 6.5.2 counts them. */
  readonly maxListBytes: number;
}

/** Hears of what happens on a connection. */
export interface SessionUser {
  /**
   * The other side has opened a stream; not for clients. The stream's user is to be set, or the stream to be reset.
   *
   * @param tooLarge Whether fields were left out, since there were more than are taken.
   */
  onStream(stream: Stream, fields: string[], ended: boolean, tooLarge: boolean): void;
  /** A stream is closed, for whatever reason. */
  onClosed(stream: Stream): void;
  /** The other side opens or takes no more streams. */
  onGoAway(): void;
  /** The connection is over, but for what was written last; its streams have heard. */
  onEnd(cause: Error | undefined): void;
}

/**
 * One connection over HTTP/2 (RFC 9113), the same for both sides: frames, header blocks, flow control, and what the other side must not do. It keeps no
 * time; that is its user's.
 */
export class Session implements StreamOwner {
  readonly peer: PeerSettings = initialSettings();
  /** Open streams, by their number. */
  readonly streams: Map<number, Stream> = new Map();
  /** The other side takes no more streams. */
  goneAway = false;
  /** Whether anything was received since it was last set to false. */
  heard = false;
  readonly #socket: Socket;
  readonly #options: SessionOptions;
  readonly #user: SessionUser;
  readonly #reader: FrameReader = new FrameReader((type, flags, id, payload) => this.#frame(type, flags, id, payload));
  readonly #writer: FrameWriter;
  readonly #sender: Sender;
  readonly #receiver: Receiver;
  readonly #decoder: HpackDecoder;
  readonly #encoder: HpackEncoder = new HpackEncoder();
  readonly #budget: Budget = new Budget();
  /** For streams that the other side gives up, or makes this side give up: no byte that it sends pays for these, a stream that ends well does. */
  readonly #resets: Budget = new Budget();
  /** Of the client's preface that has not come. */
  #preface: string;
  #settled = false;
  #block: HeaderBlock | undefined;
  /** The other side's newest stream, and this side's. */
  #lastPeer = 0;
  #lastOwn: number;
  readonly #dropped: Set<number> = new Set();
  #over = false;

  constructor(socket: Socket, options: SessionOptions, user: SessionUser) {
    this.#socket = socket;
    this.#options = options;
    this.#user = user;
    this.#writer = new FrameWriter(socket, () => this.#sender.resume());
    this.#sender = new Sender(this.#writer, this.peer, {
      part: () => this.#budget.earn(),
      end: (stream, trailers) => {
        if (trailers !== undefined) this.sendHeaders(stream, trailers, true);
        else this.#endLocal(stream);
      },
    });
    this.#decoder = new HpackDecoder(DEFAULT_TABLE_SIZE, options.maxListBytes);
    const client = options.role === "client";
    this.#preface = client ? "" : PREFACE;
    this.#lastOwn = client ? -1 : 0;
    if (client) this.#writer.raw(Buffer.from(PREFACE, "latin1"));
    const own = client ? [SETTING.push, 0] : [SETTING.maxStreams, options.maxStreams];
    this.#writer.settings([
      ...own,
      SETTING.window,
      options.streamWindow,
      SETTING.maxListBytes,
      options.maxListBytes,
    ]);
    this.#receiver = new Receiver(this.#writer, options);
    socket.on("data", (bytes: Buffer) => this.take(bytes));
    socket.on("drain", () => this.#drained());
    socket.on("error", (error: Error) => this.#ended(error));
    socket.on("end", () => this.#ended(undefined));
    socket.on("close", () => this.#ended(undefined));
  }

  /** Whether it is of no more use. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes what was received. */
  take(bytes: Buffer): void {
    if (this.#over) return;
    this.#read(bytes);
    // What answers are made of besides their bodies waits for nobody: whoever reads none of it is to ask for no more.
    if (!this.#over && this.#socket.writableLength + this.#writer.waiting > MOST_UNREAD) this.#socket.pause();
  }

  #read(bytes: Buffer): void {
    this.heard = true;
    try {
      const rest = this.#preface === "" ? bytes : this.#takePreface(bytes);
      this.#reader.take(rest);
    } catch (error) {
      if (error instanceof HpackError) this.end(CODE.compression, error);
      else if (error instanceof ConnectionError) this.end(error.code, error);
      else this.end(CODE.internal, error instanceof Error ? error : undefined);
    }
  }

  /** Opens a stream; for clients. Undefined where there can be no more. */
  open(): Stream | undefined {
    if (this.#over || this.goneAway || this.#lastOwn >= MOST_WINDOW - 2) return undefined;
    this.#lastOwn += 2;
    return this.#add(this.#lastOwn);
  }

  /** Asks the other side to open no more streams. @param final Whether those are passed over that it opens nevertheless. */
  goAway(final: boolean): void {
    if (!this.#over) this.#writer.goAway(final ? this.#lastPeer : MOST_WINDOW, CODE.none);
  }

  /** Ends the connection and all of its streams; says why, where there is a reason. */
  end(code: number, cause?: Error): void {
    if (this.#over) return;
    this.#writer.goAway(this.#lastPeer, code, cause?.message ?? "");
    this.#writer.flush();
    this.#ended(cause);
  }

  destroy(): void {
    this.#ended(undefined);
    this.#socket.destroy();
  }

  sendHeaders(stream: Stream, fields: RawHeaders, end: boolean): void {
    if (stream.closed || this.#over) return;
    this.#writer.headers(stream.id, this.#encoder.encode(fields), end, this.peer.maxFrame);
    if (end) this.#endLocal(stream);
  }

  send(stream: Stream): boolean {
    return this.#sender.send(stream);
  }

  reset(stream: Stream, code: number): void {
    // Said while what it sent is read (CVE-2025-8671): as cheap for it as a stream that it gives up.
    if (code === CODE.protocol && this.#options.role === "server") this.#spendReset();
    this.#writer.reset(stream.id, code);
    this.#dropped.add(stream.id);
    if (this.#dropped.size > REMEMBERED[this.#options.role]) this.#dropped.delete(this.#dropped.values().next().value!);
    this.#close(stream);
  }

  consumed(stream: Stream, bytes: number): void {
    if (!this.#over && !stream.closed) this.#receiver.consumed(stream, bytes);
  }

  #takePreface(bytes: Buffer): Buffer {
    const length = Math.min(bytes.byteLength, this.#preface.length);
    if (bytes.toString("latin1", 0, length) !== this.#preface.slice(0, length)) {
      throw new ConnectionError(CODE.protocol, "No HTTP/2 preface");
    }
    this.#preface = this.#preface.slice(length);
    return bytes.subarray(length);
  }

  #frame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#over) return;
    if (!this.#settled && (type !== FRAME.settings || (flags & FLAG.ack) !== 0)) {
      throw new ConnectionError(CODE.protocol, "No SETTINGS before anything else");
    }
    if (this.#block !== undefined && (type !== FRAME.continuation || id !== this.#block.stream)) {
      throw new ConnectionError(CODE.protocol, "Header block with another frame in it");
    }
    switch (type) {
      case FRAME.data:
        return this.#onData(flags, id, payload);
      case FRAME.headers:
        return this.#onHeaders(flags, id, payload);
      case FRAME.continuation:
        if (this.#block === undefined) throw new ConnectionError(CODE.protocol, "CONTINUATION of nothing");
        return this.#onBlock(this.#block, flags, payload);
      case FRAME.priority:
        return this.#onPriority(id, payload);
      case FRAME.reset:
        return this.#onReset(id, payload);
      case FRAME.settings:
        return this.#onSettings(flags, id, payload);
      case FRAME.ping:
        return this.#onPing(flags, id, payload);
      case FRAME.goAway:
        return this.#onGoAway(id, payload);
      case FRAME.window:
        return this.#onWindow(id, payload);
      case FRAME.push:
        throw new ConnectionError(CODE.protocol, "PUSH_PROMISE");
    }
    // Others mean nothing here (RFC 9113 section 5.5).
  }

  #onData(flags: number, id: number, payload: Buffer): void {
    const stream = this.#find(id, "DATA");
    // What pads it counts as well (RFC 9113 section 6.1).
    const size = payload.byteLength;
    const bytes = withoutPadding(flags, payload);
    this.#receiver.take(size);
    const ended = (flags & FLAG.endStream) !== 0;
    if (bytes.byteLength > 0) this.#budget.earn();
    else if (!ended) this.#spend();
    if (stream === undefined || stream.remoteEnded) {
      this.#receiver.giveBack(size);
      return this.#onClosedStream(stream, id);
    }
    if (!this.#receiver.hold(stream, size)) return this.#fail(stream, CODE.flowControl);
    if (size > bytes.byteLength) this.consumed(stream, size - bytes.byteLength);
    if (bytes.byteLength > 0) stream.user?.onData(bytes);
    if (ended && !stream.closed) this.#endRemote(stream);
  }

  #onHeaders(flags: number, id: number, payload: Buffer): void {
    if (id === 0) throw new ConnectionError(CODE.protocol, "HEADERS on stream 0");
    let block = withoutPadding(flags, payload);
    let dependsOnItself = false;
    if ((flags & FLAG.priority) !== 0) {
      if (block.byteLength < 5) throw new ConnectionError(CODE.frameSize, "HEADERS shorter than its priority");
      dependsOnItself = (block.readUInt32BE(0) & 0x7fffffff) === id;
      block = block.subarray(5);
    }
    // Names and values that are sent once in a table take a third and less; more than the list's own bytes is never needed.
    const most = this.#options.maxListBytes + 1024;
    this.#block = new HeaderBlock(id, (flags & FLAG.endStream) !== 0, most);
    this.#onBlock(this.#block, flags, block);
    if (!dependsOnItself) return;
    const stream = this.streams.get(id);
    if (stream !== undefined) this.#fail(stream, CODE.protocol);
  }

  #onBlock(block: HeaderBlock, flags: number, part: Buffer): void {
    block.add(part);
    if ((flags & FLAG.endHeaders) === 0) return;
    this.#block = undefined;
    // Whatever becomes of the stream: the table has to be the other side's.
    const { fields, tooLarge } = this.#decoder.decode(block.bytes());
    const { stream: id, end } = block;
    const stream = this.streams.get(id);
    if (stream !== undefined) return this.#onFurther(stream, fields, end, tooLarge);
    const opens = this.#options.role === "server" && id % 2 === 1 && id > this.#lastPeer;
    if (!opens) {
      if (this.#isIdle(id)) throw new ConnectionError(CODE.protocol, `HEADERS on stream ${id}, which cannot be opened`);
      return this.#onClosedStream(undefined, id);
    }
    this.#lastPeer = id;
    const opened = this.#add(id);
    if (this.streams.size > this.#options.maxStreams) {
      this.#spend();
      return this.reset(opened, CODE.refused);
    }
    opened.remoteEnded = end;
    this.#user.onStream(opened, fields, end, tooLarge);
  }

  #onFurther(stream: Stream, fields: string[], end: boolean, tooLarge: boolean): void {
    if (stream.remoteEnded) return this.#onClosedStream(stream, stream.id);
    // A request's second head is its trailers; what an answer's are, its user knows.
    if (this.#options.role === "server" && !end) return this.#fail(stream, CODE.protocol);
    if (tooLarge) return this.#fail(stream, CODE.protocol);
    stream.user?.onHeaders(fields, end);
    if (end && !stream.closed) this.#endRemote(stream);
  }

  #onPriority(id: number, payload: Buffer): void {
    if (id === 0) throw new ConnectionError(CODE.protocol, "PRIORITY on stream 0");
    this.#spend();
    if (payload.byteLength !== 5) this.#failAny(this.streams.get(id), id, CODE.frameSize);
    else if ((payload.readUInt32BE(0) & 0x7fffffff) === id) this.#failAny(this.streams.get(id), id, CODE.protocol);
  }

  #onReset(id: number, payload: Buffer): void {
    if (payload.byteLength !== 4) throw new ConnectionError(CODE.frameSize, "RST_STREAM of another size");
    const stream = this.#find(id, "RST_STREAM");
    if (stream === undefined) return;
    const code = payload.readUInt32BE(0);
    if (this.#options.role === "server") this.#spendReset();
    this.#close(stream);
    stream.user?.onReset(code, code === CODE.refused);
  }

  #onSettings(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionError(CODE.protocol, "SETTINGS on a stream");
    if ((flags & FLAG.ack) !== 0) {
      if (payload.byteLength > 0) throw new ConnectionError(CODE.frameSize, "SETTINGS that acknowledge and set");
      return;
    }
    if (this.#settled) this.#spend();
    this.#settled = true;
    const { window, tableSize } = this.peer;
    readSettings(payload, this.peer, this.#options.role === "client");
    if (this.peer.tableSize !== tableSize) this.#encoder.setMaxTableSize(this.peer.tableSize);
    this.#writer.frame(FRAME.settings, FLAG.ack, 0, NONE);
    const change = this.peer.window - window;
    if (change === 0) return;
    for (const stream of this.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MOST_WINDOW) throw new ConnectionError(CODE.flowControl, "Window over 2^31 - 1");
    }
    this.#sender.resume();
  }

  #onPing(flags: number, id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionError(CODE.protocol, "PING on a stream");
    if (payload.byteLength !== 8) throw new ConnectionError(CODE.frameSize, "PING of another size");
    if ((flags & FLAG.ack) !== 0) return;
    this.#spend();
    this.#writer.frame(FRAME.ping, FLAG.ack, 0, Buffer.from(payload));
  }

  #onGoAway(id: number, payload: Buffer): void {
    if (id !== 0) throw new ConnectionError(CODE.protocol, "GOAWAY on a stream");
    if (payload.byteLength < 8) throw new ConnectionError(CODE.frameSize, "GOAWAY of another size");
    const last = payload.readUInt32BE(0) & 0x7fffffff;
    this.goneAway = true;
    for (const stream of [...this.streams.values()]) {
      if (stream.id <= last || this.#options.role === "server") continue;
      this.#close(stream);
      stream.user?.onReset(CODE.refused, true);
    }
    this.#user.onGoAway();
  }

  #onWindow(id: number, payload: Buffer): void {
    if (payload.byteLength !== 4) throw new ConnectionError(CODE.frameSize, "WINDOW_UPDATE of another size");
    const more = payload.readUInt32BE(0) & 0x7fffffff;
    if (id === 0) {
      if (more === 0) throw new ConnectionError(CODE.protocol, "WINDOW_UPDATE of 0");
      return this.#sender.widen(more);
    }
    const stream = this.#find(id, "WINDOW_UPDATE");
    if (stream === undefined) return;
    if (more === 0) return this.#fail(stream, CODE.protocol);
    stream.sendWindow += more;
    if (stream.sendWindow > MOST_WINDOW) return this.#fail(stream, CODE.flowControl);
    this.#sender.resume();
  }

  /** The open stream of that number; undefined where it is closed. @throws {ConnectionError} where it was never opened. */
  #find(id: number, what: string): Stream | undefined {
    const stream = this.streams.get(id);
    if (stream === undefined && this.#isIdle(id)) {
      throw new ConnectionError(CODE.protocol, `${what} on stream ${id}, which is not open`);
    }
    return stream;
  }

  #isIdle(id: number): boolean {
    if (id === 0) return true;
    const own = id % 2 === (this.#options.role === "client" ? 1 : 0);
    return id > (own ? this.#lastOwn : this.#lastPeer);
  }

  /** Something came on a stream on which nothing should. What was on its way when this side gave the stream up is passed over. */
  #onClosedStream(stream: Stream | undefined, id: number): void {
    if (this.#dropped.has(id)) return;
    this.#spend();
    this.#failAny(stream, id, CODE.streamClosed);
  }

  /** As {@link Session.#fail}, for a stream that may not be open. */
  #failAny(stream: Stream | undefined, id: number, code: number): void {
    if (stream !== undefined) this.#fail(stream, code);
    else this.#writer.reset(id, code);
  }

  /** What the other side did breaks one stream (RFC 9113 section 5.4.2). */
  #fail(stream: Stream, code: number): void {
    if (code !== CODE.protocol) this.#spendReset();
    this.reset(stream, code);
    stream.user?.onReset(code, false, new Error(`HTTP/2 error ${code} on the stream`));
  }

  #spend(): void {
    if (!this.#budget.spend()) throw new ConnectionError(CODE.calm, "Too many frames that ask for nothing");
  }

  #spendReset(): void {
    if (!this.#resets.spend()) throw new ConnectionError(CODE.calm, "Too many streams that are given up");
  }

  #add(id: number): Stream {
    const stream = new Stream(id, this, this.peer.window, this.#options.streamWindow);
    this.streams.set(id, stream);
    return stream;
  }

  #drained(): void {
    this.#writer.drained();
    if (this.#socket.isPaused()) this.#socket.resume();
    this.#sender.resume();
  }

  #endLocal(stream: Stream): void {
    stream.localEnded = true;
    this.#sender.forget(stream);
    if (stream.remoteEnded) this.#complete(stream);
  }

  #endRemote(stream: Stream): void {
    stream.remoteEnded = true;
    stream.user?.onEnd();
    if (stream.localEnded && !stream.closed) this.#complete(stream);
  }

  #complete(stream: Stream): void {
    this.#resets.earn();
    this.#close(stream);
  }

  #close(stream: Stream): void {
    if (stream.closed) return;
    stream.closed = true;
    stream.held = undefined;
    this.#receiver.forget(stream);
    this.#sender.forget(stream);
    this.streams.delete(stream.id);
    this.#user.onClosed(stream);
  }

  #ended(cause: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.goneAway = true;
    for (const stream of [...this.streams.values()]) {
      this.#close(stream);
      stream.user?.onReset(CODE.cancel, false, cause);
    }
    this.#user.onEnd(cause);
  }
}

function withoutPadding(flags: number, payload: Buffer): Buffer {
  if ((flags & FLAG.padded) === 0) return payload;
  const padding = payload[0];
  if (padding === undefined || padding >= payload.byteLength) {
    throw new ConnectionError(CODE.protocol, "More padding than there is a frame");
  }
  return payload.subarray(1, payload.byteLength - padding);
}
