import assert from "node:assert/strict";
import { type AddressInfo, createServer } from "node:net";
import { connect } from "node:tls";
import { describe, it } from "node:test";
import { MAX_HELLO, readClientHello } from "../../../../src/runtimes/tls/client-hello.ts";
import { clientHello } from "../../../support/client-hello.ts";

const FULL = {
  serverName: "A.Example.com.",
  ciphers: [0x1301, 0xc02b],
  signatures: [0x0403, 0x0804],
  versions: [0x0a0a, 0x0304, 0x0303],
};
const READ = { serverName: "a.example.com", ciphers: FULL.ciphers, signatures: FULL.signatures, tls13: true };

describe("readClientHello", () => {
  it("reads what a certificate is chosen by", () => {
    assert.deepEqual(readClientHello(clientHello(FULL)), READ);
    assert.deepEqual(readClientHello(clientHello({})), {
      serverName: undefined,
      ciphers: [0x1301],
      signatures: [],
      tls13: false,
    });
  });

  it("reads it in however many records and pieces it comes", () => {
    for (const size of [1, 5, 64]) {
      const bytes = clientHello(FULL, size);
      for (let end = 0; end < bytes.byteLength; end++) {
        assert.equal(readClientHello(bytes.subarray(0, end)), "more", `${end} of ${bytes.byteLength}`);
      }
      assert.deepEqual(readClientHello(bytes), READ);
    }
  });

  it("takes what is no name for none", () => {
    for (const serverName of ["", ".", "a b", "a\n", "-", "[::1]", "a".repeat(300), "é", "a/b"]) {
      const hello = readClientHello(clientHello({ serverName }));
      assert.equal(typeof hello === "object" && hello.serverName, undefined, serverName);
    }
  });

  it("tells at once what is none", () => {
    for (
      const text of [
        "GET / HTTP/1.1\r\n",
        "\0",
        "\x15\x03\x03",
        "\x16\x02",
        "\x16\x03\x01\0\0",
        "\x16\x03\x01\0\x04\x02",
      ]
    ) {
      assert.equal(
        readClientHello(Uint8Array.from(text, (letter) => letter.charCodeAt(0))),
        "bad",
        JSON.stringify(text),
      );
    }
  });

  it("holds no more than its bound", () => {
    // A message that says it is longer, and one that comes in ever more records.
    assert.equal(readClientHello(Uint8Array.from([22, 3, 1, 0x40, 0, 1, 1, 0, 0])), "bad");
    const drip = new Uint8Array(MAX_HELLO);
    for (let at = 0; at + 6 <= drip.byteLength; at += 6) drip.set([22, 3, 1, 0, 1, at === 0 ? 1 : 0], at);
    const answer = readClientHello(drip);
    assert.ok(answer === "bad" || typeof answer === "object", JSON.stringify(answer));
  });

  it("never throws, whatever comes", () => {
    let seed = 7;
    const random = (below: number) => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) % below;
    const good = clientHello(FULL);
    const outcomes = new Set<string>();
    for (let run = 0; run < 20_000; run++) {
      const bytes = good.slice(0, run % 3 === 0 ? random(good.byteLength) : good.byteLength);
      for (let changes = random(4); changes >= 0; changes--) {
        if (bytes.byteLength > 0) bytes[random(bytes.byteLength)] = random(256);
      }
      const answer = readClientHello(bytes);
      outcomes.add(typeof answer === "string" ? answer : "hello");
      if (typeof answer === "object" && answer.serverName !== undefined) {
        assert.match(answer.serverName, /^[a-z0-9_.-]{1,255}$/);
      }
    }
    assert.deepEqual([...outcomes].sort(), ["bad", "hello", "more"]);
  });

  it("reads what this runtime's own client sends", async () => {
    const read = await new Promise((resolve) => {
      const server = createServer((socket) => {
        let held = new Uint8Array(0);
        socket.on("error", () => {});
        socket.on("data", (bytes: Uint8Array) => {
          held = Uint8Array.from([...held, ...bytes]);
          const hello = readClientHello(held);
          if (hello === "more") return;
          resolve(hello);
          socket.destroy();
          server.close();
        });
      });
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo;
        connect({ port, host: "127.0.0.1", servername: "real.test" }).on("error", () => {});
      });
    });
    const { serverName, tls13, signatures } = read as { serverName: string; tls13: boolean; signatures: number[] };
    assert.deepEqual([serverName, tls13, signatures.includes(0x0403)], ["real.test", true, true]);
  });
});
