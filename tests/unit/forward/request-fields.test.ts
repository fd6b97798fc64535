import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainFields } from "../../../src/forward/request-fields.ts";
import { setForwarded } from "../../../src/net/forwarded.ts";
import { HeaderList } from "../../../src/net/header-list.ts";
import { forwardableRequest } from "../../../src/net/hop-by-hop.ts";
import type { Inbound } from "../../../src/net/inbound.ts";

function inbound(headers: readonly string[], changes: Partial<Inbound> = {}): Inbound {
  return {
    target: "/",
    faithful: true,
    headers,
    peer: { address: "192.0.2.1", port: 5 },
    localPort: 8080,
    secure: false,
    body: null,
    signal: new AbortController().signal,
    ...changes,
  };
}

const CLIENT = { address: "192.0.2.1", trusted: false };

/** The same by way of the list that plugins change. */
function careful(from: Inbound, client = CLIENT): readonly string[] {
  const list = new HeaderList(forwardableRequest(from.headers));
  setForwarded(list, from, client, "a.test");
  list.set("Host", "node.test");
  return list.raw();
}

const NAMES = [
  "Accept",
  "X",
  "TE",
  "Expect",
  "Trailer",
  "Upgrade",
  "Keep-Alive",
  "User-Agent",
  "Proxy-Connection",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "Transfer-Encoding",
  "Content-Length",
  "Cookie",
  "Connection",
  "X-Real-IP",
  "Forwarded",
  "X-Forwarded-For",
  "X-Forwarded-Host",
  "X-Forwarded-Port",
  "X-Forwarded-Proto",
];

describe("plainFields", () => {
  it("gives what the careful way gives, in the same order, for every pair of fields", () => {
    let plain = 0;
    for (const a of NAMES) {
      for (const b of NAMES) {
        for (const value of ["keep-alive", "close", "x-kept, accept"]) {
          const from = inbound([a, value, "hOST", "a.test", b.toLowerCase(), value, "X-Kept", "1"]);
          const fields = plainFields(from, CLIENT, "a.test", "node.test");
          if (fields === undefined) continue;
          plain++;
          assert.deepEqual(fields, careful(from), `${a} and ${b}: ${value}`);
        }
      }
    }
    assert.ok(plain > 500, `${plain}`);
  });

  it("gives what the careful way gives where plugins have changed fields, too", () => {
    let plain = 0;
    for (const a of NAMES) {
      for (const b of NAMES) {
        const from = inbound(["Host", "a.test", a, "keep-alive", "X-Kept", "1"]);
        const own = new HeaderList(forwardableRequest(from.headers));
        own.set(b, "keep-alive");
        own.append("X-Own", "2");
        const fields = plainFields(from, CLIENT, "a.test", "node.test", own.raw());
        if (fields === undefined) continue;
        plain++;
        setForwarded(own, from, CLIENT, "a.test");
        own.set("Host", "node.test");
        assert.deepEqual(fields, own.raw(), `${a} and ${b}`);
      }
    }
    assert.ok(plain > 50, `${plain}`);
  });

  const refused: Readonly<Record<string, [Inbound, typeof CLIENT]>> = {
    "a trusted proxy": [inbound(["Host", "a.test"]), { ...CLIENT, trusted: true }],
    "a client that is not known": [inbound(["Host", "a.test"], { peer: { address: "", port: 0 } }), CLIENT],
    "fields that Connection names": [inbound(["Host", "a.test", "Connection", "x-a"]), CLIENT],
    "a claimed client": [inbound(["Host", "a.test", "x-forwarded-for", "1.2.3.4"]), CLIENT],
    "another way to claim one": [inbound(["Host", "a.test", "Forwarded", "for=1.2.3.4"]), CLIENT],
    "no Host": [inbound(["Accept", "x"]), CLIENT],
    "two Hosts": [inbound(["Host", "a", "Host", "b"]), CLIENT],
  };
  for (const [name, [from, client]] of Object.entries(refused)) {
    it(`leaves ${name} to the careful way`, () => {
      assert.equal(plainFields(from, client, "a.test", "node.test"), undefined);
    });
  }
});
