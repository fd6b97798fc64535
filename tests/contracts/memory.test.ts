import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import process from "node:process";
import { describe, it } from "node:test";
import type { TransportName } from "../../src/runtimes/runtime.ts";
import { startBareGateway } from "./bare-gateway-process.ts";
import { RUNTIME } from "./contract.ts";

/** How much goes each way; another amount in MB with `MEMORY_MB`. */
const SIZE = Number(process.env["MEMORY_MB"] ?? 1024) * 1024 * 1024;
/** How much a gateway may grow while that passes through it. */
const ALLOWED = 150 * 1024 * 1024;
/** Deno without the flag that the Dockerfile sets: buffers are freed later than they are found to be unused. See docs/forwarding.md. */
const ALLOWED_WITHOUT_FLAG = 220 * 1024 * 1024;
const CHUNK = new Uint8Array(64 * 1024).fill(120);

/** Reads RSS from /proc, which is Linux's. */
const skip = existsSync("/proc/self/status") ? false : "there is no /proc";

for (const transport of ["http1", "undici"] satisfies TransportName[]) {
  describe(`memory: listener http1 with transport ${transport} on ${RUNTIME}`, { skip }, () => {
    itGrowsLittle(transport, ALLOWED);
  });
}

if (RUNTIME === "deno") {
  describe("memory: listener http1 with transport http1 on deno without flags", { skip }, () => {
    itGrowsLittle("http1", ALLOWED_WITHOUT_FLAG, {});
  });
}

function itGrowsLittle(transport: TransportName, allowed: number, env?: Record<string, string>): void {
  for (const [what, move] of [["down", download], ["up", upload]] as const) {
    it(`${mb(SIZE)} MB ${what} grow the gateway by less than ${mb(allowed)} MB`, async () => {
      // When a runtime collects its garbage depends on what else the machine does: one more try, in a new process.
      const grown = await measured(transport, what, move, env);
      if (grown >= allowed) {
        assert.ok(await measured(transport, what, move, env) < allowed, `RSS grew by ${mb(grown)} MB and more`);
      }
    });
  }
}

/** @returns By how many bytes a new gateway's RSS grows, at its peak, over what it is before. */
async function measured(
  transport: TransportName,
  what: string,
  move: (port: number, bytes: number) => Promise<void>,
  env?: Record<string, string>,
): Promise<number> {
  const origin = createServer(serve);
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const gateway = await startBareGateway("http1", transport, (origin.address() as AddressInfo).port, {}, env);
  try {
    // A first request, so that what is loaded and compiled for it does not count.
    await move(gateway.port, 1024 * 1024);
    const idle = gateway.rss();
    let peak = idle;
    const timer = setInterval(() => peak = Math.max(peak, gateway.rss()), 10);
    const begun = performance.now();
    await move(gateway.port, SIZE);
    clearInterval(timer);
    const seconds = (performance.now() - begun) / 1000;
    console.log(
      `${RUNTIME} http1+${transport}: ${mb(SIZE)} MB ${what} in ${seconds.toFixed(1)} s: RSS idle ${mb(idle)} MB, ` +
        `peak ${mb(peak)} MB, grown by ${mb(peak - idle)} MB`,
    );
    return peak - idle;
  } finally {
    gateway.stop();
    await new Promise<void>((resolve) => origin.close(() => resolve()));
  }
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

/** An origin that sends `GET /<bytes>` as many, and takes what else is sent. */
function serve(socket: Socket): void {
  let head = "";
  let left = -1;
  socket.on("error", () => {});
  socket.on("data", (chunk: Uint8Array) => {
    if (left < 0) {
      head += new TextDecoder().decode(chunk);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      const get = /^GET \/(\d+)/.exec(head);
      if (get !== null) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${get[1]}\r\n\r\n`);
        void send(socket, Number(get[1]));
        head = "";
        return;
      }
      left = Number(/content-length: (\d+)/i.exec(head)![1]) - (head.length - end - 4);
      head = "";
    } else left -= chunk.byteLength;
    if (left === 0) {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      left = -1;
    }
  });
}

async function send(socket: Socket, bytes: number): Promise<void> {
  for (let sent = 0; sent < bytes && !socket.destroyed; sent += CHUNK.byteLength) {
    if (socket.write(CHUNK.subarray(0, Math.min(CHUNK.byteLength, bytes - sent)))) continue;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        socket.off("drain", done);
        socket.off("close", done);
        resolve();
      };
      socket.on("drain", done);
      socket.on("close", done);
    });
  }
}

function download(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`GET /${bytes} HTTP/1.1\r\nHost: a\r\n\r\n`));
    let received = 0;
    let body = -1;
    socket.on("data", (chunk: Uint8Array) => {
      if (body < 0) {
        const text = new TextDecoder("latin1").decode(chunk);
        if (!text.startsWith("HTTP/1.1 200")) reject(new Error(text.slice(0, 100)));
        body = text.indexOf("\r\n\r\n") + 4;
        received -= body;
      }
      received += chunk.byteLength;
      if (received < bytes) return;
      socket.destroy();
      resolve();
    });
    socket.on("error", reject);
    socket.on("end", () => reject(new Error(`It ended after ${received} bytes`)));
  });
}

function upload(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${bytes}\r\n\r\n`);
      void send(socket, bytes);
    });
    socket.on("data", (chunk: Uint8Array) => {
      const text = new TextDecoder().decode(chunk);
      socket.destroy();
      if (text.startsWith("HTTP/1.1 200")) resolve();
      else reject(new Error(text.slice(0, 100)));
    });
    socket.on("error", reject);
    socket.on("end", () => reject(new Error("It ended without an answer")));
  });
}
