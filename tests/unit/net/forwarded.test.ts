import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { clientOf, setForwarded } from "../../../src/net/forwarded.ts";
import { HeaderList } from "../../../src/net/header-list.ts";
import type { Inbound } from "../../../src/net/inbound.ts";

function inbound(address: string, headers: readonly string[] = []): Inbound {
  return {
    target: "/",
    faithful: true,
    headers,
    peer: { address, port: 1 },
    localPort: 9080,
    secure: false,
    body: null,
    signal: new AbortController().signal,
  };
}

const trusted = (address: string): boolean => address.startsWith("10.");

describe("clientOf", () => {
  it("believes nobody without trusted proxies", () => {
    deepStrictEqual(clientOf(inbound("10.0.0.1", ["X-Forwarded-For", "1.2.3.4"]), undefined), {
      address: "10.0.0.1",
      trusted: false,
    });
  });

  it("believes no stranger", () => {
    strictEqual(clientOf(inbound("8.8.8.8", ["X-Forwarded-For", "1.2.3.4"]), trusted).address, "8.8.8.8");
  });

  it("walks from the right past trusted proxies, over several fields", () => {
    const headers = ["X-Forwarded-For", "6.6.6.6, 1.2.3.4", "x-forwarded-for", "10.0.0.9"];
    deepStrictEqual(clientOf(inbound("10.0.0.1", headers), trusted), { address: "1.2.3.4", trusted: true });
  });

  it("stops at what is no address", () => {
    strictEqual(clientOf(inbound("10.0.0.1", ["X-Forwarded-For", "1.2.3.4, unknown"]), trusted).address, "10.0.0.1");
  });

  it("reads addresses with ports and brackets", () => {
    strictEqual(
      clientOf(inbound("10.0.0.1", ["X-Forwarded-For", "[2001:db8::1]:443"]), trusted).address,
      "2001:db8::1",
    );
    strictEqual(clientOf(inbound("10.0.0.1", ["X-Forwarded-For", "1.2.3.4:5678"]), trusted).address, "1.2.3.4");
  });
});

describe("setForwarded", () => {
  const all = [
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "Forwarded",
  ];
  const read = (headers: HeaderList): (string | undefined)[] => all.map((name) => headers.get(name));
  const claims = [
    "X-Forwarded-For",
    "1.1.1.1",
    "X-Forwarded-Proto",
    "https",
    "X-Forwarded-Host",
    "evil",
    "X-Forwarded-Port",
    "1",
    "X-Real-IP",
    "2.2.2.2",
    "Forwarded",
    "for=3.3.3.3",
  ];

  it("overwrites what an untrusted client claims", () => {
    const headers = new HeaderList(claims);
    setForwarded(headers, inbound("8.8.8.8", claims), { address: "8.8.8.8", trusted: false }, "a.test");
    deepStrictEqual(read(headers), ["8.8.8.8", "8.8.8.8", "http", "a.test", "9080", undefined]);
  });

  it("goes on with what a trusted proxy says", () => {
    const headers = new HeaderList(claims);
    setForwarded(headers, inbound("10.0.0.1", claims), { address: "1.1.1.1", trusted: true }, "a.test");
    deepStrictEqual(read(headers), ["1.1.1.1, 10.0.0.1", "1.1.1.1", "https", "evil", "1", "for=3.3.3.3"]);
  });

  it("says nothing of an address that the host application does not tell", () => {
    const headers = new HeaderList(claims);
    setForwarded(headers, inbound("", claims), { address: "", trusted: false }, "a.test");
    deepStrictEqual(read(headers).slice(0, 2), [undefined, undefined]);
  });
});
