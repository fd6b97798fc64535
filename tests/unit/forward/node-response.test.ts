import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nativeResponse, toResponse, untouchedAnswer } from "../../../src/forward/answer.ts";

const answer = () => ({
  status: 201,
  reason: "Made",
  headers: ["X-Case", "a", "Set-Cookie", "a=1", "Set-Cookie", "b=2"],
  body: new TextEncoder().encode("hello"),
});

describe("a node's answer as a Response", () => {
  it("is one to whoever asks", async () => {
    const response = toResponse(answer());
    assert.ok(response instanceof Response);
    assert.deepEqual([response.status, response.ok, response.statusText], [201, true, ""]);
    assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
    assert.equal(await response.clone().text(), "hello");
    assert.equal(response.bodyUsed, false);
    assert.equal(await response.text(), "hello");
    assert.equal(response.bodyUsed, true);
  });

  it("can be the body and the head of another one", async () => {
    const response = toResponse(answer());
    const other = new Response(response.body, response);
    assert.deepEqual([other.status, other.headers.get("x-case"), await other.text()], [201, "a", "hello"]);
  });

  it("keeps what was changed of its fields", () => {
    const response = toResponse(answer());
    const { headers } = response;
    headers.set("x-new", "1");
    void response.body;
    assert.equal(nativeResponse(response).headers.get("x-new"), "1");
  });

  it("is untouched until somebody asks for what can be changed", () => {
    const response = toResponse(answer());
    assert.equal(response.status, 201);
    assert.notEqual(untouchedAnswer(response), undefined);
    void response.headers;
    assert.equal(untouchedAnswer(response), undefined);
  });

  it("is the runtime's own where that is asked for, always the same one", () => {
    const response = toResponse(answer()), own = nativeResponse(response);
    assert.equal(nativeResponse(response), own);
    assert.equal(Object.getPrototypeOf(own), Response.prototype);
    assert.equal(nativeResponse(own), own);
  });
});
