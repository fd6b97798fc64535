import assert from "node:assert/strict";
import { clientHello } from "../support/client-hello.ts";
import { rawConnect, until, within } from "../support/raw.ts";
import type { Row } from "./contract.ts";
import { get, type ListenerContext, ok, statusOf } from "./listener-context.ts";

const group = "TLS";

/** Milliseconds that a handshake may take in these rows. */
export const HANDSHAKE_MS = 3_000;

/** What is asked of a listener behind TLS besides. */
export const tlsRows: readonly Row<ListenerContext>[] = [
  {
    group,
    name: "a handshake that does not go on is cut, and holds nobody up meanwhile",
    slow: true,
    async run(context) {
      const served = await context.serve();
      const hello = clientHello({ serverName: "gate.test", signatures: [0x0403], versions: [0x0304] });
      const started = performance.now();
      const slow = await Promise.all([[], hello.subarray(0, 40), hello].map(async (bytes) => {
        const client = await rawConnect(served.port);
        await client.write(Uint8Array.from(bytes));
        return client;
      }));
      assert.equal(statusOf(await served.ask(get())), 200);
      // The last one hears that its keys are missing; the others are cut.
      for (const client of slow) await client.ended(HANDSHAKE_MS + 5_000);
      assert.ok(performance.now() - started >= HANDSHAKE_MS - 100);
      await until(() => served.listener.connections() <= 1, 2_000, "they are forgotten");
    },
  },
  {
    group,
    name: "connections in their handshake count",
    async run(context) {
      const served = await context.serve(ok, { connections: 2 });
      const waiting = await Promise.all([rawConnect(served.port), rawConnect(served.port)]);
      await until(() => served.listener.connections() === 2, 2_000, "both count");
      await (await rawConnect(served.port)).ended(2_000);
      for (const client of waiting) client.destroy();
      await until(() => served.listener.connections() === 0, 2_000, "both have gone");
      assert.equal(statusOf(await served.ask(get())), 200);
    },
  },
  {
    group,
    name: "close cuts handshakes at once",
    async run(context) {
      const served = await context.serve();
      const client = await rawConnect(served.port);
      await until(() => served.listener.connections() === 1, 2_000, "it counts");
      assert.equal(await within(served.listener.close(10_000), 2_000, "end of close"), 0);
      await client.ended(2_000);
    },
  },
  {
    group,
    name: "what is no TLS is refused: HTTP with 400, else with an alert",
    async run(context) {
      const served = await context.serve();
      const http = await rawConnect(served.port);
      await http.write(get());
      assert.equal(statusOf(await http.readMessage()), 400);
      await http.ended(3_000);
      const other = await rawConnect(served.port);
      await other.write("\x05\x01\x00");
      assert.deepEqual([...await other.read(7)], [21, 3, 3, 0, 2, 2, 50]);
      await other.ended(3_000);
      assert.equal(served.seen.length, 0);
    },
  },
  {
    group,
    name: "a server name without a certificate is refused with an alert",
    async run(context) {
      const served = await context.serve();
      for (const parts of [{ serverName: "nobody.test" }, {}]) {
        const client = await rawConnect(served.port);
        const bytes = clientHello(parts);
        // Byte by byte, as a path with a tiny MTU would bring it.
        for (const byte of bytes) await client.write(Uint8Array.of(byte));
        assert.deepEqual([...await client.read(7)], [21, 3, 3, 0, 2, 2, 112]);
        await client.ended(3_000);
      }
    },
  },
  {
    group,
    name: "inbound.tls tells the server name",
    async run(context) {
      const served = await context.serve();
      await served.ask(get());
      const { tls, secure } = served.seen[0]!.inbound;
      assert.deepEqual([tls?.serverName, tls?.verified, secure], ["gate.test", false, true]);
    },
  },
];
