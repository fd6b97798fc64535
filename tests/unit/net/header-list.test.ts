import { deepStrictEqual, strictEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { HeaderList } from "../../../src/net/header-list.ts";
import { forwardableAnswer, forwardableRequest } from "../../../src/net/hop-by-hop.ts";

describe("HeaderList", () => {
  it("finds fields whatever the case of their names", () => {
    const headers = new HeaderList(["X-Tag", "a", "x-tag", "b", "Accept", "*/*"]);
    strictEqual(headers.get("X-TAG"), "a");
    deepStrictEqual(headers.getAll("x-Tag"), ["a", "b"]);
    strictEqual(headers.has("accept"), true);
    strictEqual(headers.get("accept-encoding"), undefined);
  });

  it("replaces every field of a name by one, in the place of the first", () => {
    const headers = new HeaderList(["A", "1", "B", "2", "a", "3", "C", "4"]);
    headers.set("a", "9");
    deepStrictEqual(headers.raw(), ["a", "9", "B", "2", "C", "4"]);
  });

  it("adds beside, and takes away all", () => {
    const headers = new HeaderList(["A", "1"]);
    headers.append("A", "2");
    deepStrictEqual([...headers], [["A", "1"], ["A", "2"]]);
    headers.delete("a");
    deepStrictEqual(headers.raw(), []);
  });

  it("leaves the list that it was given alone", () => {
    const raw = ["A", "1"];
    const headers = new HeaderList(raw);
    headers.set("A", "2");
    headers.append("B", "3");
    headers.delete("A");
    deepStrictEqual(raw, ["A", "1"]);
  });

  it("refuses what would begin another field", () => {
    const headers = new HeaderList();
    for (const value of ["a\r\nEvil: 1", "a\nb", "a\0", "a\x7f", "\u010a"]) {
      throws(() => headers.set("A", value), TypeError);
    }
    for (const name of ["", "a b", "a:b", "ä"]) throws(() => headers.append(name, "1"), TypeError);
    deepStrictEqual(headers.raw(), []);
  });
});

describe("forwardableRequest", () => {
  it("drops what belongs to the connection, and what Connection names", () => {
    const raw = [
      ["Host", "a"],
      ["Connection", "keep-alive, X-Mine"],
      ["Keep-Alive", "timeout=5"],
      ["Proxy-Connection", "x"],
      ["Proxy-Authorization", "Basic x"],
      ["TE", "trailers"],
      ["Trailer", "x"],
      ["Transfer-Encoding", "chunked"],
      ["Upgrade", "h2c"],
      ["Expect", "100-continue"],
      ["x-mine", "1"],
      ["Accept", "*/*"],
    ].flat();
    deepStrictEqual(forwardableRequest(raw), ["Host", "a", "Accept", "*/*"]);
  });

  it("does not let Connection take away what frames or addresses the message", () => {
    const raw = ["Host", "a", "Content-Length", "3", "Connection", "host, content-length"];
    deepStrictEqual(forwardableRequest(raw), ["Host", "a", "Content-Length", "3"]);
  });

  it("keeps order, case and duplicates of the rest", () => {
    const raw = ["b", "1", "A", "2", "B", "3", "Cookie", "x=1", "Cookie", "y=2"];
    deepStrictEqual(forwardableRequest(raw), raw);
  });
});

describe("forwardableAnswer", () => {
  it("keeps Trailer, and several Set-Cookie", () => {
    const raw = ["Trailer", "X-Sum", "Set-Cookie", "a=1", "Set-Cookie", "b=2", "Connection", "close"];
    deepStrictEqual(forwardableAnswer(raw), raw.slice(0, 6));
  });
});
