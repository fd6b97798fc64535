import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { Ssl } from "../../config/ssl.ts";
import { Deadline } from "../../net/deadline.ts";
import type { HubMember } from "../http1/hub-member.ts";
import { lingeringClose, writeRefusal } from "../node/refuse.ts";
import { BRIDGED } from "./bridge.ts";
import { type ClientDemand, type HandshakeEvents, type PreparedCertificate, TlsCertificates } from "./certificates.ts";
import { withinDepth } from "./chain-depth.ts";
import { type ClientHello, readClientHello } from "./client-hello.ts";
import type { Connections, Secured, SecuredTls, TlsFront } from "./front.ts";
import { Refusals } from "./refusals.ts";

/** Milliseconds for a handshake, from the connection's first byte to its keys. */
const HANDSHAKE_MS = 10_000;
/** Milliseconds that a client gets to read why its handshake failed. */
const FAREWELL_MS = 1_000;
/** A fatal alert, `unrecognized_name` (RFC 6066 section 3), and `decode_error` (RFC 8446 section 6). */
const UNRECOGNIZED_NAME: Buffer = Buffer.from([21, 3, 3, 0, 2, 2, 112]);
const DECODE_ERROR: Buffer = Buffer.from([21, 3, 3, 0, 2, 2, 50]);
const NONE = Buffer.alloc(0);

/** Where certificates are found. Called for each handshake. */
export interface CertificateLookup {
  /** The resource for a server name: lower case, without a dot at the end. */
  find(serverName: string): Ssl | undefined;
  /** For clients that name no server, or one that no resource has. */
  fallback(): Ssl | undefined;
}

/**
 * Terminates TLS for listeners. It reads the ClientHello itself, whose server name chooses the ssl resource, and hands the socket to the `tls.Server` that
 * was prepared for it, so that a change of the configuration counts for the next handshake and leaves open connections alone.
 */
export class TlsTerminator implements TlsFront {
  readonly certificates: TlsCertificates;
  readonly halfOpen: boolean = BRIDGED;
  readonly refusals: Refusals = new Refusals();
  readonly #lookup: CertificateLookup;
  readonly #handshakeMs: number;

  /** @param options `http2`: whether it is offered; default: true. */
  constructor(lookup: CertificateLookup, options: { readonly handshakeMs?: number; readonly http2?: boolean } = {}) {
    this.certificates = new TlsCertificates(options.http2 ?? true);
    this.#lookup = lookup;
    this.#handshakeMs = options.handshakeMs ?? HANDSHAKE_MS;
  }

  accept(socket: Socket, connections: Connections, secured: Secured): void {
    const handshake = new Handshake(socket, {
      hello: (hello) => this.#begin(handshake, hello),
      malformed: (first) => this.#malformed(handshake, first),
      late: () => this.refusals.add("timeout", {}),
      over: () => connections.remove(handshake),
      secured,
    }, this.#handshakeMs);
    connections.add(handshake);
  }

  #begin(handshake: Handshake, hello: ClientHello): void {
    const { serverName } = hello;
    const ssl = (serverName === undefined ? undefined : this.#lookup.find(serverName)) ?? this.#lookup.fallback();
    const prepared = ssl === undefined ? undefined : this.#prepared(ssl);
    if (prepared === undefined) {
      this.refusals.add("no_certificate", { serverName });
      return handshake.refuse(UNRECOGNIZED_NAME);
    }
    handshake.secure(prepared, hello, {
      secured: (socket) => this.#secured(handshake, socket, serverName, prepared.client),
      failed: (error) => {
        // A reset says nothing: clients that refuse a certificate do it, and so do scanners.
        this.refusals.add("failed", { code: (error as NodeJS.ErrnoException).code });
        handshake.farewell();
      },
    });
  }

  /** Undefined where the runtime does not take it: such a resource is rejected before it is found here. */
  #prepared(ssl: Ssl): PreparedCertificate | undefined {
    try {
      return this.certificates.of(ssl);
    } catch {
      return undefined;
    }
  }

  #secured(
    handshake: Handshake,
    socket: TLSSocket,
    serverName: string | undefined,
    client: ClientDemand | undefined,
  ): void {
    const verified = client !== undefined && isVerified(socket, client);
    if (client !== undefined && !client.optional && !verified) {
      this.refusals.add("client_certificate", { serverName });
      return void socket.destroy();
    }
    // False where the client did not ask for one.
    handshake.secured(socket, { serverName, verified, protocol: socket.alpnProtocol || "http/1.1" });
  }

  #malformed(handshake: Handshake, first: number): void {
    this.refusals.add("not_tls", {});
    if (first >= 0x41 && first <= 0x5a) handshake.answerPlain();
    else handshake.refuse(DECODE_ERROR);
  }
}

/** What becomes of a {@link Handshake}. */
interface HandshakeEnds {
  hello(hello: ClientHello): void;
  malformed(first: number): void;
  late(): void;
  over(): void;
  readonly secured: Secured;
}

/** A connection that is being secured. */
class Handshake implements HubMember {
  readonly idle = true;
  readonly used = false;
  readonly #socket: Socket;
  readonly #ends: HandshakeEnds;
  readonly #deadline: Deadline;
  #held: Buffer = NONE;
  #over = false;
  readonly #onData = (bytes: Buffer): void => this.#read(bytes);
  readonly #onEnd = (): void => void this.#socket.destroy();
  readonly #onClose = (): void => this.#end();

  constructor(socket: Socket, ends: HandshakeEnds, handshakeMs: number) {
    this.#socket = socket;
    this.#ends = ends;
    this.#deadline = new Deadline(() => {
      ends.late();
      socket.destroy();
    });
    this.#deadline.set(handshakeMs);
    socket.on("data", this.#onData);
    socket.once("end", this.#onEnd);
    socket.once("close", this.#onClose);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Gives the socket away, with all that was read of it. */
  secure(certificate: PreparedCertificate, hello: ClientHello, events: HandshakeEvents): void {
    const held = this.#held;
    this.#stopReading();
    certificate.secure(this.#socket, held, hello, events);
  }

  secured(socket: TLSSocket, tls: SecuredTls): void {
    this.#socket.off("close", this.#onClose);
    this.#end();
    this.#ends.secured(socket, tls, () => void this.#socket.resetAndDestroy());
  }

  /** Says why with an alert, and ends the connection. */
  refuse(alert: Uint8Array): void {
    this.#stopReading();
    this.#socket.end(alert);
    this.farewell();
    lingeringClose(this.#socket);
  }

  /** Answers who speaks HTTP without TLS, as nginx does. */
  answerPlain(): void {
    this.#stopReading();
    writeRefusal(this.#socket, 400, "bad_request");
    this.farewell();
  }

  /** The connection is to end soon, whatever the client does. */
  farewell(): void {
    this.#deadline.dispose();
    const timer = setTimeout(() => this.#socket.destroy(), FAREWELL_MS);
    this.#socket.once("close", () => clearTimeout(timer));
  }

  #stopReading(): void {
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#held = NONE;
  }

  #read(bytes: Buffer): void {
    this.#held = this.#held.byteLength === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const hello = readClientHello(this.#held);
    if (hello === "more") return;
    if (hello === "bad") this.#ends.malformed(this.#held[0]!);
    else this.#ends.hello(hello);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.dispose();
    this.#ends.over();
  }
}

function isVerified(socket: TLSSocket, { authorities, depth }: ClientDemand): boolean {
  // Deno says that a client is authorized where none was asked for a certificate.
  if (!socket.authorized) return false;
  const peer: DetailedPeerCertificate | null = socket.getPeerCertificate(true);
  return peer !== null && withinDepth(peer, authorities, depth);
}
