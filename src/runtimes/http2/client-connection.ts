import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import { Deadline } from "../../net/deadline.ts";
import type { Address, InboundTls } from "../../net/inbound.ts";
import { plainAddress } from "../address.ts";
import type { ExchangeConnection } from "../http1/exchange.ts";
import type { Hub } from "../http1/hub.ts";
import type { HubMember } from "../http1/hub-member.ts";
import { lingeringClose } from "../node/refuse.ts";
import { CODE } from "./protocol.ts";
import { ServerStream } from "./server-stream.ts";
import { Session, type SessionUser } from "./session.ts";
import type { Stream } from "./stream.ts";

/** Requests at once on one connection. */
const MAX_STREAMS = 128;
/** Bytes of bodies that are held for upstreams which do not take them: of one request, and of all of a connection. */
const STREAM_WINDOW = 256 * 1024, WINDOW = 1024 * 1024;
/** Bytes of a request's fields where the settings have no limit. */
const MAX_LIST = 1024 * 1024;
/** What RFC 9113 section 6.5.2 counts for each field besides name and value. */
const PER_FIELD = 32;

/** A client's connection over HTTP/2: many requests at once. */
export class Http2ClientConnection implements HubMember, SessionUser, ExchangeConnection {
  readonly peer: Address;
  readonly localPort: number;
  readonly secure: boolean;
  readonly tls: InboundTls | undefined;
  readonly #socket: Socket;
  readonly #hub: Hub;
  readonly #session: Session;
  /** Until the first request; then, while there is none. */
  readonly #deadline: Deadline = new Deadline(() => this.#session.end(CODE.none));
  #served = false;
  #final = false;

  /** @param held What was read of the socket already. */
  constructor(socket: Socket, hub: Hub, tls: InboundTls | undefined, held?: Buffer) {
    this.peer = { address: plainAddress(socket.remoteAddress ?? ""), port: socket.remotePort ?? 0 };
    this.localPort = socket.localPort ?? 0;
    this.secure = tls !== undefined || "encrypted" in socket && socket.encrypted === true;
    this.tls = tls;
    this.#socket = socket;
    this.#hub = hub;
    const { headerBytes, headerCount, headerTimeout } = hub.options.limits;
    this.#deadline.set(headerTimeout);
    this.#session = new Session(socket, {
      role: "server",
      maxStreams: MAX_STREAMS,
      streamWindow: STREAM_WINDOW,
      window: WINDOW,
      maxListBytes: headerBytes > 0 ? headerBytes + PER_FIELD * (headerCount > 0 ? headerCount : 1000) : MAX_LIST,
    }, this);
    if (held !== undefined) this.#session.take(held);
  }

  get idle(): boolean {
    return this.#session.streams.size === 0;
  }

  get used(): boolean {
    return this.#served;
  }

  destroy(): void {
    // Says so first, and cuts what has been told and lingers.
    if (this.idle && !this.#session.over) this.#session.end(CODE.none);
    else this.#session.destroy();
  }

  drain(final: boolean): void {
    this.#final = final;
    this.#session.goAway(final);
  }

  onStream(stream: Stream, fields: string[], ended: boolean, tooLarge: boolean): void {
    if (this.#final) return stream.reset(CODE.refused);
    this.#served = true;
    this.#deadline.clear();
    this.#hub.begin();
    new ServerStream(stream, this.#hub.options, this).begin(fields, ended, tooLarge);
  }

  onClosed(stream: Stream): void {
    // One that was refused has no user.
    if (stream.user !== undefined) this.#hub.end();
    if (this.#session.streams.size > 0 || this.#session.over) return;
    if (this.#final) this.#session.end(CODE.none);
    else this.#deadline.set(this.#hub.options.limits.idleTimeout);
  }

  onGoAway(): void {
    // Its requests are answered all the same.
  }

  onEnd(): void {
    this.#deadline.dispose();
    if (this.#socket.destroyed) return;
    this.#socket.end();
    lingeringClose(this.#socket);
  }
}
