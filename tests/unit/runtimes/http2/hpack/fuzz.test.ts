/** Lists of fields there and back, and blocks with mistakes in them, 200,000 times, or as often as `GATEWATCH_FUZZ_INPUTS` says. */
import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { HpackDecoder } from "../../../../../src/runtimes/http2/hpack/decoder.ts";
import { HpackEncoder } from "../../../../../src/runtimes/http2/hpack/encoder.ts";
import { HpackError } from "../../../../../src/runtimes/http2/hpack/error.ts";
import { createRandom } from "../../wire/mutate.ts";
import { toHex } from "./support.ts";

const INPUTS = Number(process.env["GATEWATCH_FUZZ_INPUTS"] ?? 200_000);
const SEED = Number(process.env["GATEWATCH_FUZZ_SEED"] ?? 20261127);

/** Few names and values, so that they come again, and any others. */
const latin1 = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
const name = fc.oneof(
  fc.constantFrom(":method", ":path", ":status", "accept", "cookie", "date", "x-a", "x-b", "authorization"),
  latin1,
);
const value = fc.oneof(
  fc.constantFrom("GET", "/", "200", "a", "b", "c", "text/html; charset=utf-8", "x".repeat(700), "y".repeat(2500)),
  latin1,
);
const list = fc.array(fc.tuple(name, value), { maxLength: 30 }).map((fields) => fields.flat());
/** Sizes of the table that are set before a block. */
const sizes = fc.array(fc.oneof(fc.constantFrom(0, 33, 100, 4096, 65_536), fc.nat(5000)), { maxLength: 3 });

describe("HPACK", () => {
  it("gives back what was encoded, whatever size the table has in between", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(sizes, list), { maxLength: 20 }), (blocks) => {
        const encoder = new HpackEncoder(), decoder = new HpackDecoder(4096, 1 << 20);
        for (const [changes, fields] of blocks) {
          for (const size of changes) encoder.setMaxTableSize(size);
          assert.deepEqual(decoder.decode(encoder.encode(fields)), { fields, tooLarge: false });
        }
      }),
      { numRuns: 500, seed: SEED },
    );
  });

  it("knows the same table on both sides after thousands of blocks", () => {
    const random = createRandom(SEED);
    const encoder = new HpackEncoder(), decoder = new HpackDecoder(4096, 1 << 20);
    for (let i = 0; i < 20_000; i++) {
      if (random(200) === 0) encoder.setMaxTableSize(random(5000));
      const fields = Array.from({ length: random(6) }, () => [`x-${random(20)}`, "v".repeat(random(90))]).flat();
      assert.deepEqual(decoder.decode(encoder.encode(fields)).fields, fields);
    }
  });

  it(`refuses blocks with mistakes in no other way than it should (${INPUTS} of them)`, { timeout: 120_000 }, () => {
    const random = createRandom(SEED);
    const samples = makeSamples();
    const outcomes = { decoded: 0, refused: 0 };
    let slowest = 0;
    for (let i = 0; i < INPUTS; i++) {
      const decoder = new HpackDecoder(4096, 16_384);
      const blocks = samples[random(samples.length)]!;
      const wrong = random(blocks.length);
      for (const [n, block] of blocks.entries()) {
        const input = n === wrong ? mutate(block, random) : block;
        const start = performance.now();
        try {
          const { fields } = decoder.decode(input);
          outcomes.decoded++;
          assert.ok(measure(fields) <= 16_384);
        } catch (error) {
          if (!(error instanceof HpackError)) throw new Error(`input ${i}: ${toHex(input)}`, { cause: error });
          outcomes.refused++;
          break;
        } finally {
          slowest = Math.max(slowest, performance.now() - start);
        }
      }
    }
    // Both must be common, else the changes test nothing.
    assert.ok(outcomes.decoded > INPUTS / 5 && outcomes.refused > INPUTS / 5, JSON.stringify(outcomes));
    // Far above what the machine's own pauses take.
    assert.ok(slowest < 1000, `${slowest} ms`);
  });
});

/** Blocks of connections as they are. */
function makeSamples(): Uint8Array[][] {
  const request = [":method", "GET", ":scheme", "https", ":path", "/a/b?c=d", ":authority", "example.com"];
  const more = ["user-agent", "Mozilla/5.0 (X11; Linux)", "accept", "*/*", "cookie", "a=b", "x-a", "\xff\0\x80"];
  const lists = [request, [...request, ...more], [":status", "200", "date", "Mon, 21 Oct 2013 20:13:21 GMT", ...more]];
  return lists.map((fields) => {
    const encoder = new HpackEncoder();
    const blocks = [encoder.encode(fields), encoder.encode(fields)];
    encoder.setMaxTableSize(64);
    encoder.setMaxTableSize(300);
    return [...blocks, encoder.encode([...fields, "x-b", "c".repeat(200)]), encoder.encode(fields)];
  });
}

/** One to four changes to a block. */
function mutate(block: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = [...block];
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = random(bytes.length + 1);
    switch (random(6)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ 1 << random(8);
        break;
      case 2:
        bytes.splice(at, 1 + random(4));
        break;
      case 3:
        bytes.splice(at, 0, ...Array.from({ length: 1 + random(6) }, () => random(2) === 0 ? 0xff : random(256)));
        break;
      case 4:
        bytes = bytes.slice(0, at);
        break;
      default:
        bytes.splice(at, 0, ...bytes.slice(random(bytes.length + 1)));
    }
  }
  return Uint8Array.from(bytes);
}

function measure(fields: readonly string[]): number {
  let size = 0;
  for (const text of fields) size += text.length + 16;
  return size;
}
