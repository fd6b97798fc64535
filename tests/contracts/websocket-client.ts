/**
 * Speaks WebSocket with the `ws` package's client, through a gateway, with the `ws` package's server, and prints one line of JSON for each thing that
 * was tried. Runs on Node whatever the gateway runs on: Bun has a `ws` of its own. Waits for the gateway's port on its standard input, after
 * it has printed the server's.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { type RawData, WebSocket, WebSocketServer } from "ws";

/** Milliseconds for each thing that is tried. */
const LIMIT = 30_000;
const MB = 1024 * 1024;

const httpServer = createServer();
const server = new WebSocketServer({
  noServer: true,
  maxPayload: 64 * MB,
  perMessageDeflate: true,
  handleProtocols: (offered) => offered.has("v2") ? "v2" : false,
});
/** What the server did last, for the client to ask after. */
const seen = { closed: [] as [number, string][], pings: 0, sent: 0 };

httpServer.on("upgrade", (request, socket, head) => {
  if (request.url === "/refused") {
    socket.end("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\nX-Why: a\r\n\r\nno");
    return;
  }
  server.handleUpgrade(request, socket, head, (ws) => serve(ws, request.url ?? ""));
});

function serve(ws: WebSocket, path: string): void {
  ws.on("error", () => {});
  ws.on("close", (code, reason) => seen.closed.push([code, String(reason)]));
  ws.on("ping", () => seen.pings++);
  if (path === "/hello") ws.send("hello first");
  if (path === "/abrupt") ws.on("message", () => ws.terminate());
  else if (path === "/flood") void flood(ws);
  else if (path.startsWith("/close/")) ws.on("message", () => ws.close(Number(path.slice(7)), "as asked"));
  else ws.on("message", (data, binary) => ws.send(data, { binary }));
}

async function flood(ws: WebSocket): Promise<void> {
  const chunk = new Uint8Array(MB);
  for (seen.sent = 0; seen.sent < 200 && ws.readyState === ws.OPEN; seen.sent++) {
    await new Promise((resolve) => ws.send(chunk, { compress: false }, resolve));
  }
}

await new Promise<void>((resolve) => httpServer.listen(0, "127.0.0.1", resolve));
console.log(JSON.stringify({ port: (httpServer.address() as AddressInfo).port }));
const port = Number(
  await new Promise<string>((resolve) => process.stdin.once("data", (data) => resolve(String(data)))),
);

function dial(
  path: string,
  options: ConstructorParameters<typeof WebSocket>[2] = {},
  protocols: string[] = [],
): WebSocket {
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, { maxPayload: 64 * MB, ...options });
  ws.on("error", () => {});
  return ws;
}

function once(ws: WebSocket, event: string): Promise<unknown[]> {
  return new Promise((resolve, reject) => {
    ws.once(event, (...values) => resolve(values));
    if (event !== "close") ws.once("close", (code) => reject(new Error(`closed with ${code} before '${event}'`)));
  });
}

async function opened(path = "/echo", options = {}, protocols: string[] = []): Promise<WebSocket> {
  const ws = dial(path, options, protocols);
  await once(ws, "open");
  return ws;
}

async function message(ws: WebSocket): Promise<Buffer> {
  return (await once(ws, "message"))[0] as Buffer;
}

function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

async function eventually(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 5_000; !condition();) {
    if (Date.now() > end) throw new Error(`Never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const checks: Record<string, () => Promise<void>> = {
  async "text and binary come back as they were"() {
    const ws = await opened();
    ws.send("grüße");
    equal(String(await message(ws)), "grüße", "text");
    ws.send(Buffer.from([0, 255, 128]));
    equal((await message(ws)).toString("hex"), "00ff80", "binary");
    ws.close();
  },
  async "the server speaks first"() {
    const ws = dial("/hello");
    equal(String(await message(ws)), "hello first", "message");
    ws.close();
  },
  async "10,000 messages come back in order"() {
    const ws = await opened("/echo", { perMessageDeflate: false });
    let next = 0;
    const done = new Promise<void>((resolve, reject) => {
      ws.on("message", (data: RawData) => {
        if (String(data) !== `message ${next}`) reject(new Error(`${data} instead of message ${next}`));
        if (++next === 10_000) resolve();
      });
    });
    for (let i = 0; i < 10_000; i++) ws.send(`message ${i}`);
    await done;
    ws.close();
  },
  async "a frame of 16 MB comes back as it was"() {
    const ws = await opened("/echo", { perMessageDeflate: false });
    const data = Buffer.alloc(16 * MB);
    for (let i = 0; i < data.length; i += 4) data.writeUInt32LE(i, i);
    ws.send(data);
    equal((await message(ws)).equals(data), true, "the same bytes");
    ws.close();
  },
  async "a subprotocol is agreed upon with the server"() {
    const ws = await opened("/echo", {}, ["v1", "v2"]);
    equal(ws.protocol, "v2", "protocol");
    ws.close();
  },
  async "compression is agreed upon with the server"() {
    const ws = await opened();
    equal(ws.extensions.startsWith("permessage-deflate"), true, `extensions '${ws.extensions}'`);
    ws.send("a".repeat(100_000));
    equal((await message(ws)).length, 100_000, "length");
    ws.close();
  },
  async "pings reach the server, and its pongs the client"() {
    const ws = await opened();
    const before = seen.pings;
    ws.ping("are you there");
    equal(String((await once(ws, "pong"))[0]), "are you there", "pong");
    equal(seen.pings, before + 1, "pings at the server");
    ws.close();
  },
  async "every close code of the client reaches the server"() {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]) {
      const ws = await opened();
      const before = seen.closed.length;
      ws.close(code, `code ${code}`);
      equal((await once(ws, "close"))[0], code, "code at the client");
      await eventually(() => seen.closed.length > before, "the server hears of the close");
      equal(seen.closed.at(-1)!.join(), `${code},code ${code}`, "code at the server");
    }
  },
  async "every close code of the server reaches the client"() {
    for (const code of [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999]) {
      const ws = await opened(`/close/${code}`);
      ws.send("close");
      const [got, reason] = await once(ws, "close");
      equal(`${got},${reason}`, `${code},as asked`, "code at the client");
    }
  },
  async "a close without a code stays without"() {
    const ws = await opened();
    const before = seen.closed.length;
    ws.close();
    equal((await once(ws, "close"))[0], 1005, "code at the client");
    await eventually(() => seen.closed.length > before, "the server hears of the close");
    equal(seen.closed.at(-1)![0], 1005, "code at the server");
  },
  async "a client that breaks off is 1006 to the server"() {
    const ws = await opened();
    const before = seen.closed.length;
    ws.terminate();
    await eventually(() => seen.closed.length > before, "the server hears of the end");
    equal(seen.closed.at(-1)![0], 1006, "code at the server");
  },
  async "a server that breaks off is 1006 to the client"() {
    const ws = await opened("/abrupt");
    ws.send("now");
    equal((await once(ws, "close"))[0], 1006, "code at the client");
  },
  async "a refusal keeps its status, fields and body"() {
    const ws = dial("/refused");
    const [, response] = await once(ws, "unexpected-response") as [unknown, import("node:http").IncomingMessage];
    let body = "";
    for await (const chunk of response) body += chunk;
    equal(`${response.statusCode} ${response.headers["x-why"]} ${body}`, "401 a no", "answer");
  },
  async "a client that does not read stops the server"() {
    const ws = await opened("/flood", { perMessageDeflate: false });
    ws.pause();
    let before = -1;
    while (before !== seen.sent) {
      before = seen.sent;
      await new Promise((resolve) => setTimeout(resolve, 700));
    }
    if (seen.sent > 40) throw new Error(`${seen.sent} MB were sent to nobody`);
    ws.resume();
    let got = 0;
    await new Promise<void>((resolve) => {
      ws.on("message", () => {
        if (++got === 200) resolve();
      });
    });
    ws.close();
  },
};

for (const [name, check] of Object.entries(checks)) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let error: string | undefined;
  try {
    const late = new Promise<never>((_, reject) =>
      timer = setTimeout(() => reject(new Error(`nothing within ${LIMIT} ms`)), LIMIT)
    );
    await Promise.race([check(), late]);
  } catch (thrown) {
    error = thrown instanceof Error ? thrown.message : String(thrown);
  }
  clearTimeout(timer);
  console.log(JSON.stringify({ name, ...(error === undefined ? {} : { error }) }));
}
process.exit(0);
