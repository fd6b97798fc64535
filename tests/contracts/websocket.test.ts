// waits
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { after, before, describe, it } from "node:test";
import type { ListenerName, TransportName } from "../../src/runtimes/runtime.ts";
import { until } from "../support/raw.ts";
import { type BareGateway, startBareGateway } from "./bare-gateway-process.ts";
import { RUNTIME } from "./contract.ts";

const CLIENT = fileURLToPath(new URL("websocket-client.ts", import.meta.url));
const NODE = fileURLToPath(new URL("../../node_modules/.bin/node", import.meta.url));

/** What the client tries; each is a test here. */
const TRIED = [
  "text and binary come back as they were",
  "the server speaks first",
  "10,000 messages come back in order",
  "a frame of 16 MB comes back as it was",
  "a subprotocol is agreed upon with the server",
  "compression is agreed upon with the server",
  "pings reach the server, and its pongs the client",
  "every close code of the client reaches the server",
  "every close code of the server reaches the client",
  "a close without a code stays without",
  "a client that breaks off is 1006 to the server",
  "a server that breaks off is 1006 to the client",
  "a refusal keeps its status, fields and body",
  "a client that does not read stops the server",
];

const PAIRS: readonly (readonly [ListenerName, TransportName])[] = [["http1", "http1"], ["node", "http1"], [
  "http1",
  "undici",
]];

for (const [listener, transport] of PAIRS) {
  describe(`WebSocket: listener ${listener} with transport ${transport} on ${RUNTIME}`, () => {
    let gateway: BareGateway | undefined;
    let client: ChildProcess;
    let text = "";

    before(async () => {
      client = spawn(NODE, [CLIENT], { stdio: ["pipe", "pipe", "inherit"] });
      client.stdout!.on("data", (chunk: Uint8Array) => text += String(chunk));
      await until(() => text.includes("\n"), 20_000, "the server listens");
      gateway = await startBareGateway(
        listener,
        transport,
        (JSON.parse(text.split("\n")[0]!) as { port: number }).port,
      );
      client.stdin!.write(`${gateway.port}\n`);
    });

    after(() => {
      gateway?.stop();
      client.kill("SIGKILL");
    });

    for (const name of TRIED) {
      it(name, async () => {
        const found = () => text.split("\n").slice(1).find((line) => line.includes(JSON.stringify(name)));
        await until(() => found() !== undefined || client.exitCode !== null, 60_000, "the client has tried it");
        const line = found();
        assert.ok(line !== undefined, "the client ended before it tried this");
        const { error } = JSON.parse(line) as { error?: string };
        assert.equal(error, undefined);
      });
    }
  });
}
