import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createPathNormalizer, decodeUtf8, type PathOptions } from "../../../src/net/path.ts";

const normalize = createPathNormalizer();

/** As nginx 1.22 answers `return 200 $uri` with `merge_slashes on`; null = 400. */
const uris: readonly [target: string, uri: string | null][] = [
  ["/", "/"],
  ["/a", "/a"],
  ["/a/", "/a/"],
  ["/a?b", "/a"],
  ["/?b", "/"],
  ["/a?b/../c", "/a"],
  ["/a#b", "/a"],
  ["/a#b?c", "/a"],
  ["//a", "/a"],
  ["/a//b///c", "/a/b/c"],
  ["/a//", "/a/"],
  ["/.", "/"],
  ["/./a", "/a"],
  ["/a/.", "/a/"],
  ["/a/./b", "/a/b"],
  ["/a/..", "/"],
  ["/a/../b", "/b"],
  ["/a/b/../../c", "/c"],
  ["/a/b/..", "/a/"],
  ["/a//../b", "/b"],
  ["/a/b/..?c", "/a/"],
  ["/...", "/..."],
  ["/a/.../b", "/a/.../b"],
  ["/.a", "/.a"],
  ["/..a", "/..a"],
  ["/a..", "/a.."],
  ["/a./b", "/a./b"],
  ["/..", null],
  ["/../a", null],
  ["/a/../..", null],
  ["/%2e%2e/a", null],
  ["/a/%2e%2e/b", "/b"],
  ["/a/.%2e/b", "/b"],
  ["/a%2fb", "/a/b"],
  ["/a%2F%2Fb", "/a/b"],
  ["/a%2F..%2Fb", "/b"],
  ["/%61", "/a"],
  ["/a%20b", "/a b"],
  ["/a+b", "/a+b"],
  ["/%3F", "/?"],
  ["/%23", "/#"],
  ["/%25", "/%"],
  ["/%2525", "/%25"],
  ["/%25%32%65", "/%2e"],
  ["/%c3%a9", "/é"],
  ["/%E4%BD%A0", "/你"],
  ["/%F0%9F%98%80", "/😀"],
  ["/%0a", "/\n"],
  ["/A/b", "/A/b"],
  ["/a;b=c", "/a;b=c"],
  ["/%00", null],
  ["/%", null],
  ["/%4", null],
  ["/%zz", null],
  ["/a%4?b", null],
  ["/a\u0001", null],
  ["/a\u007f", null],
  ["/a b", null],
  ["", null],
  ["*", null],
  ["a", null],
  ["?a", null],
];

describe("createPathNormalizer", () => {
  for (const [target, uri] of uris) {
    it(`makes ${JSON.stringify(target)} ${uri === null ? "malformed" : JSON.stringify(uri)}`, () => {
      assert.equal(normalize(target)?.path ?? null, uri);
    });
  }

  it("keeps the query as received, and tells none from an empty one", () => {
    assert.equal(normalize("/a?b=%zz&c//../")?.query, "b=%zz&c//../");
    assert.equal(normalize("/%61?b")?.query, "b");
    assert.equal(normalize("/a?")?.query, "");
    assert.equal(normalize("/a")?.query, undefined);
    assert.equal(normalize("/a//b")?.query, undefined);
  });

  it("does not mistake one malformed byte sequence for another", () => {
    assert.equal(normalize("/%ff")?.path, "/\udcff");
    assert.notEqual(normalize("/%ff")?.path, normalize("/%fe")?.path);
    assert.equal(normalize("/%c3%28")?.path, "/\udcc3(");
    assert.equal(normalize("/%c3%a9%e4%bd")?.path, "/é\udce4\udcbd");
    // Neither overlong forms nor surrogates are characters (RFC 3629 section 3).
    assert.equal(normalize("/%c0%af")?.path, "/\udcc0\udcaf");
    assert.equal(normalize("/%ed%a0%80")?.path, "/\udced\udca0\udc80");
    assert.equal(normalize("/%ef%bb%bfa")?.path, "/\ufeffa");
  });

  it("takes raw bytes of UTF-8, one character a byte, as characters", () => {
    assert.equal(normalize("/\u00c3\u00a9")?.path, "/é");
    assert.equal(normalize("/你")?.path, "/你");
    assert.equal(normalize("/😀/b")?.path, "/😀/b");
  });

  it("reads a path of 60,000 malformed bytes in linear time", () => {
    const start = performance.now();
    assert.equal(normalize(`/${"%ff".repeat(60_000)}`)?.path.length, 60_001);
    assert.equal(normalize(`/${"a/../".repeat(20_000)}b`)?.path, "/b");
    assert.ok(performance.now() - start < 2000);
  });

  it("is the same for a path that is normal, and for its own answer", () => {
    const part = fc.constantFrom("a", "b", "..", ".", "", "%2e", "%2f", "%41", "%c3%a9", ";v=1", "...", "%25");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const path = normalize(`/${parts.join("/")}`)?.path;
        if (path === undefined) return;
        assert.doesNotMatch(path, /\/\/|\/\.{1,2}(\/|$)/);
        assert.equal(path[0], "/");
        const again = normalize(path.split("/").map(encodeURIComponent).join("/"));
        assert.equal(again?.path, path);
      }),
      { numRuns: 5000 },
    );
  });

  const options: readonly [PathOptions, target: string, path: string | null, matchPath?: string][] = [
    [{ deleteTailSlash: true }, "/a/", "/a"],
    [{ deleteTailSlash: true }, "/a//?b", "/a"],
    [{ deleteTailSlash: true }, "/", "/"],
    [{ deleteTailSlash: true }, "/a", "/a"],
    [{ likeServlet: true }, "/a;v=1/b", "/a/b"],
    [{ likeServlet: true }, "/a/b;v=1", "/a/b"],
    [{ likeServlet: true }, "/a/;v=1", "/a/"],
    [{ likeServlet: true }, "/a/..;/b", null],
    [{ likeServlet: true }, "/a/.;x/b", null],
    [{ likeServlet: true }, "/a/;x/b", null],
    [{ likeServlet: true }, "/a/%252e%252E;x/b", null],
    [{ likeServlet: true }, "/a/b", "/a/b"],
    [{ keepEncodedSlash: true }, "/a%2fb/c", "/a/b/c", "/a%2Fb/c"],
    [{ keepEncodedSlash: true }, "/a%2Fb%41", "/a/bA", "/a%2FbA"],
    [{ keepEncodedSlash: true }, "/a%2fb?c=%2f", "/a/b", "/a%2Fb"],
    // Where more than decoding happened, what is behind the slash cannot be told: the normal path is matched.
    [{ keepEncodedSlash: true }, "/a%2f..%2fb", "/b", "/b"],
    [{ keepEncodedSlash: true }, "/a%2f%2fb", "/a/b", "/a/b"],
    [{ keepEncodedSlash: true }, "/a/b", "/a/b", "/a/b"],
    [{}, "/a%2fb", "/a/b", "/a/b"],
  ];
  for (const [option, target, path, matchPath = path] of options) {
    it(`with ${JSON.stringify(option)} makes ${target} ${path}, matched as ${matchPath}`, () => {
      const found = createPathNormalizer(option)(target);
      assert.equal(found?.path ?? null, path);
      assert.equal(found?.matchPath ?? null, matchPath);
    });
  }
});

describe("decodeUtf8", () => {
  it("agrees with TextDecoder on what is well-formed, and loses nothing of the rest", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const text = decodeUtf8(bytes);
        let expected: string | undefined;
        try {
          expected = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
        } catch {
          expected = undefined;
        }
        if (expected !== undefined) assert.equal(text, expected);
        const back = [...text].flatMap((character) => {
          const code = character.charCodeAt(0);
          return code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : [...new TextEncoder().encode(character)];
        });
        assert.deepEqual(back, [...bytes]);
      }),
      { numRuns: 5000 },
    );
  });
});
