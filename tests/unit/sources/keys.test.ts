import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { normalisePrefix, prefixEnd, toByteString, toText } from "../../../src/sources/etcd/keys.ts";

describe("keys of etcd", () => {
  it("gives a prefix one slash at its end", () => {
    assert.equal(normalisePrefix("/gatewatch"), "/gatewatch/");
    assert.equal(normalisePrefix("/gatewatch//"), "/gatewatch/");
    assert.equal(normalisePrefix("/"), "/");
    assert.throws(() => normalisePrefix(""), /without a prefix/);
  });

  it("ends a prefix before the next name", () => {
    const prefix = normalisePrefix("/gatewatch");
    const end = prefixEnd(prefix);
    const inside = (key: string) => key >= prefix && key < end;
    assert.ok(inside("/gatewatch/routes/1"));
    assert.ok(inside("/gatewatch/\u00ff"));
    assert.ok(!inside("/gatewatch-other/routes/1"));
    assert.ok(!inside("/gatewatch"));
    assert.ok(!inside("/gatewatch0"));
  });

  it("reads keys as UTF-8", () => {
    assert.equal(toText(toByteString("routes/ü€😀")), "routes/ü€😀");
    assert.equal(toText(toByteString("\ufeffroutes")), "\ufeffroutes");
  });

  it("writes bytes that are not UTF-8 apart", () => {
    assert.equal(toText("routes/\xff\xfe"), "routes/\\xff\\xfe");
    assert.equal(toText("a\xc3\xbcb\xc3"), "aüb\\xc3");
    assert.equal(toText("a\\xff"), "a\\x5cxff");
    assert.equal(toText("\xff\\xff"), "\\xff\\x5cxff");
    assert.equal(toText("a\\b"), "a\\b");
  });

  it("makes one text of one byte string, and never of two", () => {
    const char = fc.constantFrom("\\", "x", "f", "5", "c", "\xff", "\xc3", "\xbc", "a");
    const key = fc.array(char, { maxLength: 7 }).map((chars) => chars.join(""));
    fc.assert(fc.property(key, key, (a, b) => (a === b) === (toText(a) === toText(b))), { numRuns: 5000 });
  });
});
