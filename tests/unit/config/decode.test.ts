import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { decode } from "../../../src/config/decode.ts";
import { bad, good, toBytes } from "./values.ts";

const uri = (depth: number): string => `{"uri":"/","plugins":{},"x":${"[".repeat(depth)}${"]".repeat(depth)}}`;

describe("decode", () => {
  it("refuses a value above the size limit before it reads it", () => {
    const bytes = new Uint8Array(1_000_000).fill(0xff);
    deepStrictEqual(decode(bytes), {
      ok: false,
      issues: [{ path: "", message: "must be at most 262144 bytes, is 1000000" }],
    });
    ok(decode(toBytes('"abc"'), 5).ok);
    ok(!decode(toBytes('"abcd"'), 5).ok);
  });

  it("refuses what is not UTF-8", () => {
    deepStrictEqual(decode(new Uint8Array([0x22, 0xc3, 0x28, 0x22])), {
      ok: false,
      issues: [{ path: "", message: "must be UTF-8, is not" }],
    });
  });

  it("asks for the quotes that the shell ate", () => {
    for (const value of ["{host:127.0.0.1,port:6699}", "{ uri: /api/*, upstream_id: 1}", "host:127.0.0.1"]) {
      match(
        bad("node", "node", value, ""),
        /^must be JSON, is not \(\d+ characters\): did the shell eat your quotes\?$/,
      );
    }
  });

  it("never quotes a value that is not JSON, since it may hold a secret", () => {
    for (const value of ["hunter2", '{"key": hunter2}', "'hunter2'", "key: hunter2", '{"a":"hunter2"', ""]) {
      const message = bad("route", "1", value, "");
      match(message, /^must be JSON/);
      ok(!message.includes("hunter2"), message);
    }
  });

  it("takes 32 levels and refuses 33, whatever their number", () => {
    good("route", "1", uri(31));
    for (const depth of [32, 1000, 100_000]) {
      strictEqual(bad("route", "1", uri(depth), ""), "must be at most 32 levels deep");
    }
  });

  it("refuses names that reach an object's prototype, wherever they stand", () => {
    strictEqual(
      bad("route", "1", '{"uri":"/","plugins":{},"__proto__":{"a":1}}', "__proto__"),
      "must not be named __proto__",
    );
    bad("route", "1", '{"uri":"/","labels":{"constructor":"1"},"plugins":{}}', "labels.constructor");
    bad("route", "1", '{"uri":"/","plugins":{},"vars":[["a",{"b":{"prototype":1}}]]}', "vars[0][1].b.prototype");
    strictEqual(({} as Record<string, unknown>).a, undefined);
  });

  it("refuses numbers that a double cannot hold, also in fields that no schema knows", () => {
    bad("route", "1", '{"uri":"/","plugins":{},"x":[1,{"y":1e400}]}', "x[1].y");
    bad("route", "1", '{"uri":"/","plugins":{},"x":-1e999}', "x");
  });

  it("takes the last of two fields of one name", () => {
    strictEqual(good("route", "1", '{"uri":"/a","uri":"/b","upstream_id":1}').uri, "/b");
  });

  it("refuses JSON that is no object", () => {
    for (const value of ["1", "null", "[]", '"text"', "true"]) {
      match(bad("route", "1", value, ""), /^must be a JSON object, is /);
    }
  });

  it("says whether a text may be a reference", () => {
    const references = (value: unknown): boolean => {
      const decoded = decode(toBytes(value));
      return decoded.ok && decoded.references;
    };
    strictEqual(references({ a: [{ b: "$env://X" }] }), true);
    strictEqual(references('{"a":"\\u0024secret:\\/\\/vault\\/1\\/x"}'), true);
    strictEqual(references({ $a: "b$" }), false);
  });
});
