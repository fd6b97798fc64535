// runtimes: deno, bun
// alone
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { rawRequest } from "../support/raw.ts";
import { type BareGateway, startBareGateway } from "./bare-gateway-process.ts";
import { RUNTIME } from "./contract.ts";

/** How long the slow clients go on; the full figure is taken with `SLOW_SECONDS=30`. */
const SECONDS = Number(process.env["SLOW_SECONDS"] ?? 10);
const CLIENTS = 1000;
/** How much a gateway may grow under them: what is held for a client that does not read its answer is a few buffers of 64 kB. */
const ALLOWED = 250 * 1024 * 1024;
const LIMITS = { headerTimeout: 4_000, bodyTimeout: 4_000, idleTimeout: 4_000 };

const skip = existsSync("/proc/self/status") ? false : "there is no /proc";
const noTool = spawnSync("slowhttptest", ["-h"]).error === undefined ? false : "slowhttptest is not installed";

describe(`slow clients: listener http1 on ${RUNTIME}`, { skip }, () => {
  let origin: Server;
  let gateway: BareGateway;

  before(async () => {
    origin = createServer(serve);
    await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
    gateway = await startBareGateway("http1", "http1", (origin.address() as AddressInfo).port, LIMITS);
    for (let i = 0; i < 50; i++) await rawRequest(gateway.port, GET);
  });

  after(() => {
    gateway?.stop();
    origin.close();
  });

  it(`${CLIENTS} clients at 1 kB/s do not stop others`, async () => {
    const idle = gateway.rss();
    const slow = new SlowClients(gateway.port);
    const { served, late, worst, peak } = await probe(gateway, SECONDS * 1000);
    const { sent, received, ended } = slow.stop();
    console.log(
      `${RUNTIME}: ${CLIENTS} slow clients for ${SECONDS} s (${ended} were cut, ${kb(sent)} kB sent, ${
        kb(received)
      } kB received): ` +
        `${served} other requests, all answered, 95 % within ${late.toFixed(0)} ms, the slowest in ${
          worst.toFixed(0)
        } ms; ` +
        `RSS idle ${mb(idle)} MB, grown by ${mb(peak - idle)} MB`,
    );
    assert.ok(late < 1_000, `a request in twenty took more than ${late} ms`);
    assert.ok(peak - idle < ALLOWED, `RSS grew by ${mb(peak - idle)} MB`);
    assert.ok(ended > 0, "no slow head was ever cut");
  });

  for (
    const [kind, ...args] of [
      ["slow heads", "-H", "-i", "1"],
      ["slow bodies", "-B", "-i", "1", "-s", "8192"],
      ["slow readers", "-X", "-n", "1", "-w", "10", "-y", "20", "-z", "8"],
    ] as const
  ) {
    it(`slowhttptest: ${CLIENTS} connections with ${kind} do not stop others`, { skip: noTool }, async () => {
      const target = kind === "slow readers" ? "/big" : "/";
      const tool = spawn("slowhttptest", [
        ...args,
        ...["-c", String(CLIENTS), "-r", "250", "-l", String(SECONDS), "-p", "3"],
        ...["-u", `http://127.0.0.1:${gateway.port}${target}`],
      ]);
      let text = "";
      tool.stdout.on("data", (chunk: Uint8Array) => text += String(chunk));
      const done = new Promise((resolve) => tool.on("close", resolve));
      try {
        const { served, late, worst } = await probe(gateway, SECONDS * 1000);
        const available = text.replace(/\x1b\[[0-9;]*m/g, "").match(/service available:\s+\w+/g) ?? [];
        console.log(
          `${RUNTIME}: slowhttptest ${kind}: ${served} other requests, the slowest in ${worst.toFixed(0)} ms`,
        );
        assert.ok(late < 1_000, `a request in twenty took more than ${late} ms`);
        assert.ok(available.every((line) => line.endsWith("YES")), "slowhttptest found the service unavailable");
      } finally {
        tool.kill();
        await done;
      }
    });
  }
});

const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Asks as an ordinary client does, until the time is over. */
async function probe(
  gateway: BareGateway,
  ms: number,
): Promise<{ served: number; late: number; worst: number; peak: number }> {
  const end = performance.now() + ms;
  const times: number[] = [];
  let peak = 0;
  while (performance.now() < end) {
    const begun = performance.now();
    const { startLine } = await rawRequest(gateway.port, GET);
    assert.equal(startLine, "HTTP/1.1 200 OK");
    times.push(performance.now() - begun);
    peak = Math.max(peak, gateway.rss());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  times.sort((a, b) => a - b);
  return { served: times.length, late: times[Math.floor(times.length * 0.95)]!, worst: times.at(-1)!, peak };
}

/** A third each send their head, send their body, and read their answer at about 1 kB/s; who is cut begins again. */
class SlowClients {
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<ReturnType<typeof setInterval>>();
  #sent = 0;
  #received = 0;
  #ended = 0;
  #over = false;

  constructor(port: number) {
    for (let i = 0; i < CLIENTS; i++) this.#open(port, i % 3);
  }

  stop(): { sent: number; received: number; ended: number } {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
    return { sent: this.#sent, received: this.#received, ended: this.#ended };
  }

  #open(port: number, kind: number): void {
    const socket = connect({ port, host: "127.0.0.1" });
    this.#sockets.add(socket);
    const say = (text: string): void => {
      this.#sent += text.length;
      socket.write(text);
    };
    socket.on("connect", () => {
      if (kind === 0) say("GET / HTTP/1.1\r\nHost: a\r\n");
      else if (kind === 1) say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
      else {
        say("GET /big HTTP/1.1\r\nHost: a\r\n\r\n");
        socket.pause();
      }
    });
    const timer = setInterval(() => {
      if (kind === 0) say(`X-${"a".repeat(20)}: ${"b".repeat(20)}\r\n`);
      else if (kind === 1) say("x".repeat(1024));
      else this.#received += (socket.read(1024) as Uint8Array | null)?.byteLength ?? 0;
    }, 1000);
    this.#timers.add(timer);
    socket.on("error", () => {});
    socket.on("end", () => socket.destroy());
    socket.on("close", () => {
      clearInterval(timer);
      this.#timers.delete(timer);
      this.#sockets.delete(socket);
      if (this.#over) return;
      this.#ended++;
      this.#open(port, kind);
    });
  }
}

/** An origin that answers at once, `/big` with 1 MB, and takes whatever bodies come. */
function serve(socket: Socket): void {
  let text = "";
  let left = 0;
  socket.on("error", () => {});
  socket.on("data", (chunk: Uint8Array) => {
    if (left > 0) {
      left -= chunk.byteLength;
      if (left <= 0) socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    text += new TextDecoder("latin1").decode(chunk);
    for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
      const head = text.slice(0, end);
      text = text.slice(end + 4);
      const length = /content-length: (\d+)/i.exec(head)?.[1];
      if (length !== undefined && Number(length) > text.length) {
        left = Number(length) - text.length;
        text = "";
      } else if (head.startsWith("GET /big")) {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(1_000_000)}`);
      } else {
        text = text.slice(Number(length ?? 0));
        socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      }
    }
  });
}

function mb(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

function kb(bytes: number): number {
  return Math.round(bytes / 1024);
}
