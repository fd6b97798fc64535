import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import { answerHead, carryHead, toResponse } from "../../../src/forward/answer.ts";

const RAW = ["X-Case", "a", "Vary", "A", "vary", "B", "Set-Cookie", "a=1", "Set-Cookie", "b=2"];

describe("answerHead", () => {
  it("gives a node's own head back untouched", () => {
    const response = toResponse({ status: 200, reason: "Fine", headers: RAW, body: null });
    deepStrictEqual(answerHead(response), { status: 200, reason: "Fine", headers: RAW });
  });

  it("changes only what a handler changed", () => {
    const response = toResponse({ status: 200, reason: "OK", headers: RAW, body: null });
    response.headers.set("vary", "C");
    response.headers.append("set-cookie", "c=3");
    response.headers.set("x-new", "1");
    deepStrictEqual(answerHead(response).headers, [
      "X-Case",
      "a",
      "vary",
      "C",
      "x-new",
      "1",
      "set-cookie",
      "a=1",
      "set-cookie",
      "b=2",
      "set-cookie",
      "c=3",
    ]);
  });

  it("takes away what a handler took away", () => {
    const response = toResponse({ status: 200, reason: "OK", headers: RAW, body: null });
    response.headers.delete("x-case");
    response.headers.delete("set-cookie");
    deepStrictEqual(answerHead(response).headers, ["Vary", "A", "vary", "B"]);
  });

  it("is carried over to a Response made from another", () => {
    const from = toResponse({ status: 200, reason: "Fine", headers: RAW, body: null });
    const to = carryHead(from, new Response(null, from));
    strictEqual(answerHead(to).reason, "Fine");
    deepStrictEqual(answerHead(to).headers, RAW);
  });

  it("says what an ordinary Response says", () => {
    const response = new Response("x", { status: 201, headers: { "X-A": "1" } });
    const { status, headers } = answerHead(response);
    strictEqual(status, 201);
    strictEqual(headers[headers.indexOf("x-a") + 1], "1");
  });

  it("gives statuses that must have no body none", () => {
    for (const status of [204, 205, 304]) {
      const response = toResponse({ status, reason: "", headers: [], body: new Uint8Array([1]) });
      strictEqual(response.body, null);
    }
  });
});
