import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Ssl } from "../../../src/config/ssl.ts";
import { refuseClient } from "../../../src/gateway/client-certificates.ts";
import { ServerNames } from "../../../src/gateway/server-certificates.ts";

function ssl(id: string, snis: readonly string[], more: Partial<Ssl> = {}): Ssl {
  return { id, type: "server", cert: "", key: "", snis, status: 1, ...more };
}

function change(before: Ssl | undefined, after: Ssl | undefined) {
  return { changes: [{ kind: "ssl", id: (before ?? after)!.id, before, after }] } as const;
}

function namesOf(...all: readonly Ssl[]): ServerNames {
  const names = new ServerNames();
  for (const one of all) names.apply(change(undefined, one));
  return names;
}

describe("ServerNames", () => {
  const names = namesOf(
    ssl("any", ["*"]),
    ssl("wild", ["*.Example.com"]),
    ssl("deep", ["*.b.example.com"]),
    ssl("part", ["*api.example.com"]),
    ssl("exact", ["www.example.com."]),
    ssl("off", ["off.example.com"], { status: 0 }),
    ssl("upstreams", [], { type: "client" }),
  );
  const rows: readonly [name: string, id: string][] = [
    ["www.example.com", "exact"],
    ["a.example.com", "wild"],
    ["off.example.com", "wild"],
    ["a.b.example.com", "deep"],
    ["b.example.com", "wild"],
    ["myapi.example.com", "part"],
    ["api.example.com", "part"],
    ["x.myapi.example.com", "any"],
    ["a.b.c.example.com", "any"],
    ["example.com", "any"],
    ["localhost", "any"],
  ];
  for (const [name, id] of rows) it(`${name}: ${id}`, () => assert.equal(names.find(name)?.id, id));

  it("finds nothing where there is nothing", () => {
    const none = namesOf(ssl("1", ["*.example.com"]));
    for (const name of ["example.com", ".example.com", "a.b.example.com", "com", ""]) {
      assert.equal(none.find(name), undefined);
    }
  });

  it("follows changes, and forgets what is gone", () => {
    const first = ssl("1", ["a.test", "*.a.test", "*b.test", "*"]), second = ssl("1", ["c.test"]);
    const changing = namesOf(first);
    changing.apply(change(first, second));
    assert.deepEqual(
      ["a.test", "x.a.test", "xb.test", "z"].map((name) => changing.find(name)),
      Array(4).fill(undefined),
    );
    assert.equal(changing.find("c.test"), second);
    changing.apply(change(second, undefined));
    assert.equal(changing.find("c.test"), undefined);
  });

  it("prefers the lowest id, whatever came first, and says who is concealed", () => {
    const a = ssl("a", ["x.test", "only-a.test"]), b = ssl("b", ["X.test"]);
    for (const both of [namesOf(a, b), namesOf(b, a)]) {
      assert.equal(both.find("x.test"), a);
      assert.deepEqual(both.concealed(b), [{ name: "x.test", by: "a" }]);
      assert.deepEqual(both.concealed(a), []);
      both.apply(change(a, undefined));
      assert.equal(both.find("x.test"), b);
      assert.deepEqual(both.concealed(b), []);
    }
  });
});

describe("refuseClient", () => {
  const client = { ca: "", depth: 1 };
  const names = namesOf(
    ssl("open", ["open.test"]),
    ssl("closed", ["closed.test", "*.closed.test"], { client }),
    ssl("partly", ["partly.test"], { client: { ...client, skip_mtls_uri_regex: ["^/free/"] } }),
  );
  const rows: readonly [
    serverName: string | undefined,
    verified: boolean,
    host: string,
    path: string,
    status: number,
  ][] = [
    ["open.test", false, "open.test", "/", 0],
    [undefined, false, "unknown.test", "/", 0],
    ["closed.test", true, "closed.test", "/", 0],
    ["closed.test", false, "closed.test", "/", 400],
    // Verified for another name, or for none.
    ["a.closed.test", true, "b.closed.test", "/", 400],
    ["open.test", false, "closed.test", "/", 400],
    ["open.test", true, "closed.test", "/", 400],
    [undefined, false, "closed.test", "/", 400],
    ["closed.test", false, "open.test", "/", 400],
    ["closed.test", true, "open.test", "/", 0],
    ["partly.test", false, "partly.test", "/free/a", 0],
    ["partly.test", false, "partly.test", "/", 400],
    ["partly.test", false, "open.test", "/", 400],
    ["open.test", false, "partly.test", "/free/a", 0],
    ["open.test", false, "partly.test", "/", 400],
  ];
  for (const [serverName, verified, host, path, status] of rows) {
    it(`SNI ${serverName}, ${verified ? "verified" : "not verified"}, ${host}${path}: ${status || "goes on"}`, () => {
      assert.equal(refuseClient(names, { serverName, verified }, host, path)?.status ?? 0, status);
    });
  }
});
