// What another implementation sends is read, and the other way round: `node:http2` over a socket, where the runtime has its own.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { once } from "node:events";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { HpackDecoder } from "../../../../../src/runtimes/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/runtimes/http2/hpack/encoder.ts";

const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA = 0, HEADERS = 1, SETTINGS = 4, END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 0x20;
const TIMES = 20;

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.byteLength, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Calls back for each frame that comes, after so many bytes that are none. */
function readFrames(
  socket: Socket,
  skip: number,
  take: (type: number, flags: number, stream: number, payload: Buffer) => void,
): void {
  let held: Buffer = Buffer.alloc(0), left = skip;
  socket.on("data", (chunk: Buffer) => {
    held = Buffer.concat([held, chunk]);
    if (held.byteLength < left) return;
    held = held.subarray(left);
    for (left = 0; held.byteLength >= 9;) {
      const end = 9 + held.readUIntBE(0, 3);
      if (held.byteLength < end) return;
      take(held[3]!, held[4]!, held.readUInt32BE(5), held.subarray(9, end));
      held = held.subarray(end);
    }
  });
}

/** The header block of a frame, without what may stand around it. */
function blockOf(flags: number, payload: Buffer): Buffer {
  assert.ok((flags & END_HEADERS) !== 0);
  const padding = (flags & PADDED) === 0 ? 0 : payload[0]!;
  const start = ((flags & PADDED) === 0 ? 0 : 1) + ((flags & PRIORITY) === 0 ? 0 : 5);
  return payload.subarray(start, payload.byteLength - padding);
}

function pairs(fields: readonly string[]): Record<string, string> {
  return Object.fromEntries(fields.flatMap((name, i) => i % 2 === 0 ? [[name, fields[i + 1]!]] : []));
}

describe("HPACK with node:http2", () => {
  it("reads a client's requests, and is read by it", async () => {
    const decoder = new HpackDecoder(4096, 65_536), encoder = new HpackEncoder();
    const seen: Record<string, string>[] = [];
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
      readFrames(socket, PREFACE.length, (type, flags, stream, payload) => {
        if (type === SETTINGS && (flags & ACK) === 0) socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
        if (type !== HEADERS) return;
        const fields = decoder.decode(blockOf(flags, payload)).fields;
        seen.push(pairs(fields));
        // Changes of the table's size between answers.
        if (stream % 8 === 1) encoder.setMaxTableSize(stream % 16 === 1 ? 0 : 64 * stream);
        const answer = [":status", "200", "x-number", `${stream}`, "x-same", "always the same", "x-bytes", "\xe9\x80"];
        socket.write(frame(HEADERS, END_HEADERS, stream, encoder.encode(answer)));
        socket.write(frame(DATA, END_STREAM, stream, Buffer.from("ok")));
      });
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const { port } = server.address() as AddressInfo;
    const session = connectHttp2(`http://127.0.0.1:${port}`);
    try {
      for (let i = 0; i < TIMES; i++) {
        const stream = session.request({
          ":path": `/${i}?q=${"z".repeat(i)}`,
          "x-i": `${i}`,
          "x-same": "same",
          "x-once": "once".repeat(i),
        });
        const [headers] = await once(stream, "response") as [Record<string, string>];
        assert.equal(headers[":status"], 200);
        assert.equal(headers["x-number"], `${2 * i + 1}`);
        assert.equal(headers["x-same"], "always the same");
        assert.equal(headers["x-bytes"], "\xe9\x80");
        stream.resume();
        await once(stream, "end");
        assert.equal(seen[i]![":path"], `/${i}?q=${"z".repeat(i)}`);
        assert.equal(seen[i]![":authority"], `127.0.0.1:${port}`);
        assert.deepEqual([seen[i]!["x-i"], seen[i]!["x-same"], seen[i]!["x-once"]], [
          `${i}`,
          "same",
          "once".repeat(i),
        ]);
      }
    } finally {
      session.destroy();
      server.close();
    }
  });

  it("is read by a server, and reads its answers", async () => {
    const server = createHttp2Server({ settings: { headerTableSize: 200 } });
    server.on("stream", (stream, headers) => {
      const { [constants.HTTP2_HEADER_PATH]: path, "x-same": same, authorization } = headers;
      stream.respond({
        ":status": 200,
        "x-path": path,
        "x-saw": same,
        "x-auth": authorization,
        "x-long": "l".repeat(50),
      });
      stream.end("ok");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
    try {
      const encoder = new HpackEncoder(), decoder = new HpackDecoder(4096, 65_536);
      const answers: Record<string, string>[] = [];
      const ask = (i: number): void => {
        const request = [":method", "GET", ":scheme", "http", ":path", `/${i}`, ":authority", "a.test"];
        const block = encoder.encode([...request, "x-same", "same value", "authorization", "Basic YTpi"]);
        socket.write(frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block));
      };
      socket.write(PREFACE);
      socket.write(frame(SETTINGS, 0, 0, Buffer.alloc(0)));
      await new Promise<void>((resolve, reject) => {
        socket.on("close", () => reject(new Error("closed")));
        readFrames(socket, 0, (type, flags, stream, payload) => {
          if (type === SETTINGS && (flags & ACK) === 0) {
            socket.write(frame(SETTINGS, ACK, 0, Buffer.alloc(0)));
            // What it announced.
            encoder.setMaxTableSize(200);
            ask(0);
          }
          if (type === HEADERS) answers.push(pairs(decoder.decode(blockOf(flags, payload)).fields));
          if (type !== DATA || (flags & END_STREAM) === 0) return;
          if (answers.length === TIMES) resolve();
          else ask((stream + 1) / 2);
        });
      });
      for (const [i, answer] of answers.entries()) {
        assert.equal(answer[":status"], "200");
        assert.equal(answer["x-path"], `/${i}`);
        assert.equal(answer["x-saw"], "same value");
        assert.equal(answer["x-auth"], "Basic YTpi");
        assert.equal(answer["x-long"], "l".repeat(50));
      }
    } finally {
      socket.destroy();
      server.close();
    }
  });
});
