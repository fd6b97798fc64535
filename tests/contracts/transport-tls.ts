import assert from "node:assert/strict";
import type { TLSSocket } from "node:tls";
import type { TransportTls } from "../../src/forward/transport.ts";
import { type Authority, type Certificate, createAuthority } from "../support/authority.ts";
import { type RawConnection, type RawOrigin, string } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { bytesOf, OK, outbound, peerOf, type TransportContext } from "./transport-context.ts";

const group = "TLS to the upstream";

interface Tls {
  readonly authority: Authority;
  readonly server: Certificate;
  readonly client: Certificate;
}

let made: Tls | undefined;

function material(): Tls {
  if (made === undefined) {
    const authority = createAuthority();
    made = {
      authority,
      server: authority.issue("DNS:node.test,DNS:localhost,IP:127.0.0.1"),
      client: authority.issue("DNS:client.test"),
    };
  }
  return made;
}

function row(name: string, run: (context: TransportContext, tls: Tls) => Promise<void>): Row<TransportContext> {
  return { group, name, run: (context) => run(context, material()) };
}

async function serve(connection: RawConnection): Promise<void> {
  for (;;) {
    await connection.readMessage();
    await connection.write(OK);
  }
}

/** Sends a request to an origin with the test's certificate. */
async function exchange(
  context: TransportContext,
  origin: RawOrigin,
  tls: TransportTls,
  host = "127.0.0.1",
): Promise<string> {
  return string(await bytesOf(await context.send(peerOf(origin.port, { host, tls }))));
}

export const tlsRows: readonly Row<TransportContext>[] = [
  row("a certificate of a given authority is accepted", async (context, { authority, server }) => {
    const origin = await context.origin(serve, server);
    assert.equal(
      await exchange(context, origin, { servername: "localhost", verify: true, ca: authority.ca }, "localhost"),
      "ok",
    );
  }),
  row("a certificate for an address is accepted", async (context, { authority, server }) => {
    const origin = await context.origin(serve, server);
    assert.equal(await exchange(context, origin, { servername: "127.0.0.1", verify: true, ca: authority.ca }), "ok");
  }),
  row("an unknown authority: tls_failed, not sent", async (context, { server }) => {
    const origin = await context.origin(serve, server);
    const peer = peerOf(origin.port, { host: "localhost", tls: { servername: "localhost", verify: true } });
    await context.fails(context.send(peer), "tls_failed", false);
  }),
  row("a certificate for another name: tls_failed, not sent", async (context, { authority }) => {
    const origin = await context.origin(serve, authority.issue("DNS:other.test"));
    const peer = peerOf(origin.port, {
      host: "localhost",
      tls: { servername: "localhost", verify: true, ca: authority.ca },
    });
    await context.fails(context.send(peer), "tls_failed", false);
  }),
  row("not verified where that was asked for", async (context, { server }) => {
    const origin = await context.origin(serve, server);
    assert.equal(await exchange(context, origin, { servername: "wrong.test", verify: false }), "ok");
  }),
  row(
    "the name that was asked for is indicated and verified, whatever the address",
    async (context, { authority, server }) => {
      const origin = await context.origin(serve, server);
      assert.equal(await exchange(context, origin, { servername: "node.test", verify: true, ca: authority.ca }), "ok");
      const { servername } = origin.connections[0]!.socket as TLSSocket & { servername?: string };
      // Bun's server does not tell; that the certificate was accepted for the name is what counts.
      if (servername !== undefined) assert.equal(servername, "node.test");
    },
  ),
  row("one connection serves requests for many hosts", async (context, { authority, server }) => {
    const origin = await context.origin(serve, server);
    const peer = peerOf(origin.port, {
      host: "localhost",
      tls: { servername: "localhost", verify: true, ca: authority.ca },
    });
    for (let i = 0; i < 10; i++) {
      const request = { ...outbound(peer), headers: ["Host", `host-${i}.test`] };
      await bytesOf(await context.transport.send(request));
    }
    assert.equal(origin.connections.length, 1);
  }),
  row("a client certificate is shown", async (context, { authority, server, client }) => {
    const origin = await context.origin(serve, {
      ...server,
      ca: authority.ca,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const tls = { servername: "localhost", verify: true, ca: authority.ca, cert: client.cert, key: client.key };
    assert.equal(await exchange(context, origin, tls, "localhost"), "ok");
  }),
  row(
    "without the client certificate that the upstream wants, the request fails",
    async (context, { authority, server }) => {
      const origin = await context.origin(serve, {
        ...server,
        ca: authority.ca,
        requestCert: true,
        rejectUnauthorized: true,
      });
      const peer = peerOf(origin.port, {
        host: "localhost",
        tls: { servername: "localhost", verify: true, ca: authority.ca },
      });
      // With TLS 1.3 the refusal can come after the first bytes were sent.
      const error = await context.failure(context.send(peer).then(bytesOf));
      assert.match(error.code, /^(?:tls_failed|reset)$/);
    },
  ),
  row("an upstream that does not speak TLS: tls_failed, not sent", async (context) => {
    const origin = await context.origin(async (connection) => {
      await connection.read(1);
      await connection.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    const peer = peerOf(origin.port, { host: "localhost", tls: { servername: "localhost", verify: false } });
    await context.fails(context.send(peer), "tls_failed", false);
  }),
  row("no TLS handshake in time: connect_timeout, not sent", async (context) => {
    const origin = await context.origin(() => {});
    const peer = peerOf(origin.port, { tls: { servername: "node.test", verify: false } });
    const begun = performance.now();
    await context.fails(
      context.send(peer, { timeouts: { connect: 300, send: 5_000, read: 5_000 } }),
      "connect_timeout",
      false,
    );
    assert.ok(performance.now() - begun < 1_500);
  }),
];
