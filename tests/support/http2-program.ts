// A program for Node alone, whose node:http2 is another implementation than gatewatch's: an origin, or a client with one task.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  type ClientHttp2Session,
  connect,
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";

const GRPC = { ":status": 200, "content-type": "application/grpc" };
const CHUNK = 64 * 1024;

const tell = (value: object): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);

/** An origin: says where it listens, and of each request that begins and ends. Told `goaway`, its connections end with their requests. */
function origin(files: { readonly cert: string; readonly key: string } | undefined): void {
  const server = files === undefined
    ? createServer()
    : createSecureServer({ cert: readFileSync(files.cert), key: readFileSync(files.key) });
  const sessions = new Set<ServerHttp2Session>();
  server.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
    session.on("error", () => {});
  });
  server.on("stream", (stream, headers) => {
    const path = headers[":path"] ?? "";
    stream.on("error", () => {});
    tell({ event: "begin", path });
    stream.once("close", () => tell({ event: "end", path, code: stream.rstCode }));
    answer(stream, path, headers);
  });
  server.listen(0, "127.0.0.1", () => tell({ event: "listening", port: (server.address() as AddressInfo).port }));
  createInterface({ input: process.stdin }).on("line", () => {
    for (const session of sessions) session.close();
  }).on("close", () => process.exit());
}

function answer(stream: ServerHttp2Stream, path: string, headers: IncomingHttpHeaders): void {
  switch (path.split("?")[0]) {
    case "/echo.Echo/Stream":
      stream.respond(GRPC, { waitForTrailers: true });
      stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
      return void stream.pipe(stream);
    case "/echo.Echo/Fail":
      return stream.respond({ ...GRPC, "grpc-status": "5", "grpc-message": "none" }, { endStream: true });
    case "/echo.Echo/Silent":
      return;
    case "/headers":
      stream.respond({ ":status": 200 });
      return void stream.end(JSON.stringify(headers));
    case "/sha": {
      const hash = createHash("sha256");
      stream.on("data", (bytes: Uint8Array) => hash.update(bytes));
      return void stream.once("end", () => {
        stream.respond({ ":status": 200 });
        stream.end(hash.digest("hex"));
      });
    }
    case "/bytes": {
      let left = Number(path.split("?")[1]);
      stream.respond({ ":status": 200, "content-length": left });
      const write = (): void => {
        for (let more = true; more && left > 0;) {
          const bytes = new Uint8Array(Math.min(CHUNK, left)).fill(left % 251);
          left -= bytes.byteLength;
          more = stream.write(bytes);
        }
        if (left === 0) stream.end();
        else stream.once("drain", write);
      };
      return write();
    }
  }
  stream.respond({ ":status": 200 });
  stream.end(path);
}

interface Result {
  readonly headers: IncomingHttpHeaders;
  readonly trailers: IncomingHttpHeaders;
  readonly body: Uint8Array;
}

function ask(session: ClientHttp2Session, path: string, body?: Uint8Array, method = "POST"): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":path": path, ":method": method, te: "trailers" });
    let headers: IncomingHttpHeaders = {}, trailers: IncomingHttpHeaders = {};
    const parts: Uint8Array[] = [];
    stream.once("response", (fields) => headers = fields);
    stream.once("trailers", (fields) => trailers = fields);
    stream.on("data", (bytes: Uint8Array) => parts.push(bytes));
    stream.once("error", reject);
    stream.once("close", () => resolve({ headers, trailers, body: Buffer.concat(parts) }));
    stream.end(body);
  });
}

/** A client's tasks; each tells what it came to. */
const TASKS: Readonly<Record<string, (session: ClientHttp2Session, argument: string) => Promise<object | void>>> = {
  async one(session, path) {
    const { body, ...rest } = await ask(session, path, new TextEncoder().encode("hello"));
    return { ...rest, body: new TextDecoder().decode(body) };
  },
  /** Requests, a hundred at once: how many got the answer to another one. */
  async many(session, count) {
    let next = 0, wrong = 0;
    await Promise.all(Array.from({ length: 100 }, async () => {
      while (next < Number(count)) {
        const path = `/n?${next++}`;
        const { body } = await ask(session, path, undefined, "GET");
        if (new TextDecoder().decode(body) !== path) wrong++;
      }
    }));
    return { wrong };
  },
  /** Says the next thing when the last one has come back. */
  dialogue: (session, rounds) =>
    new Promise((resolve, reject) => {
      const stream = session.request({ ":path": "/echo.Echo/Stream", ":method": "POST", te: "trailers" });
      let said = 0;
      const say = (): void => void (said === Number(rounds) ? stream.end() : stream.write(`message ${said++}`));
      const heard: string[] = [];
      stream.on("data", (bytes: Uint8Array) => {
        heard.push(new TextDecoder().decode(bytes));
        say();
      });
      stream.once("trailers", (trailers) => resolve({ heard: heard.length, last: heard.at(-1), trailers }));
      stream.once("error", reject);
      say();
    }),
  async upload(session, bytes) {
    const whole = new Uint8Array(Number(bytes)).map((_, i) => i % 251);
    const { body } = await ask(session, "/sha", whole);
    return { same: new TextDecoder().decode(body) === createHash("sha256").update(whole).digest("hex") };
  },
  async download(session, bytes) {
    const { body } = await ask(session, `/bytes?${bytes}`, undefined, "GET");
    return { length: body.byteLength };
  },
  /** Gives a request up when it is told to. */
  giveUp: (session, path) =>
    new Promise((resolve) => {
      const stream = session.request({ ":path": path, ":method": "POST" });
      stream.on("error", () => {});
      stream.once("close", () => resolve());
      process.stdin.once("data", () => stream.close(8));
    }),
};

async function client(url: string, ca: string | undefined, task: string, argument: string): Promise<void> {
  const session = connect(url, ca === undefined ? {} : { ca: readFileSync(ca), servername: "gate.test" });
  session.on("error", (error) => {
    tell({ error: error.message });
    process.exit(1);
  });
  try {
    tell(await TASKS[task]!(session, argument) ?? {});
  } catch (error) {
    tell({ error: (error as Error).message });
  }
  process.exit();
}

const [role, first, second, task, argument] = process.argv.slice(2);
if (role === "origin") origin(first === undefined ? undefined : { cert: first, key: second! });
else await client(first!, second === "" ? undefined : second, task!, argument!);
