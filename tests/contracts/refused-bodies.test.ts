// What is wrong with a request's body is found while it passes through; the client has to be told that, and not that it has gone.
// waits
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { type PluginGateway, startPluginGateway } from "../support/plugin-gateway.ts";
import { header, rawConnect } from "../support/raw.ts";
import { RUNTIME } from "./contract.ts";
import { thisRuntime } from "./runtime.ts";

const HEAD = "POST / HTTP/1.1\r\nHost: gate.test\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNK = `258\r\n${"x".repeat(600)}\r\n`;
/** `native` is the runtime's own server, which answers broken chunks itself, and may close without a word. */
const PAIRS = [["http1", "http1"], ["http1", "undici"], ["node", "http1"], ["native", "http1"]] as const;

for (const [listenerName, transportName] of PAIRS) {
  if (listenerName === "native" && RUNTIME === "node") continue;
  describe(`refused bodies: listener ${listenerName} with transport ${transportName} on ${RUNTIME}`, () => {
    const gateways: PluginGateway[] = [];
    after(async () => {
      for (const gateway of gateways) await gateway.close();
    });

    async function ask(...parts: readonly string[]): Promise<{ status: number; code: string | undefined }> {
      const runtime = await thisRuntime();
      const listen = runtime.listeners[listenerName]!;
      const gateway = await startPluginGateway({
        listen,
        transport: await runtime.transports[transportName](),
        limits: { bodyBytes: 1000, bodyTimeout: 300 },
      });
      gateways.push(gateway);
      const upstream = { ...gateway.upstream, retries: 2, checks: { passive: { unhealthy: { tcp_failures: 1 } } } };
      await gateway.put({ "routes/1": { uri: "/*", upstream } });
      const client = await rawConnect(gateway.port);
      for (const part of parts) await client.write(part);
      const { startLine, headers } = await client.readMessage();
      client.destroy();
      assert.equal((await gateway.send("/after")).status, 200, "the node was not to blame");
      return { status: Number(startLine.split(" ")[1]), code: header(headers, "x-gatewatch-error") };
    }

    it("a chunked body over the limit is 413", async () => {
      assert.deepEqual(await ask(HEAD, CHUNK, CHUNK), { status: 413, code: "body_too_large" });
    });

    it("a body that stalls is 408", async () => {
      assert.deepEqual(await ask(HEAD, CHUNK), { status: 408, code: "bad_request" });
    });

    if (listenerName === "native") return;
    it("a chunk that is none is 400", async () => {
      assert.deepEqual(await ask(HEAD, "zz\r\n"), { status: 400, code: "bad_request" });
    });
  });
}
