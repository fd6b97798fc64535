import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { compileHashKey } from "../../../src/upstream/hash-key.ts";
import { createConfig } from "./upstream-config.ts";

const values: Record<string, string> = {
  uri: "/a",
  arg_user: "7",
  http_x_device_id: "dev",
  cookie_Sid: "s1",
  consumer_name: "jack",
  host: "example.com",
  empty: "",
  remote_addr: "192.0.2.1",
};

function keyOf(written: Record<string, unknown>): string | undefined {
  return compileHashKey(createConfig({ type: "chash", ...written }))((name) => values[name]);
}

describe("compileHashKey", () => {
  for (
    const [written, key] of [
      [{ key: "uri" }, "/a"],
      [{ hash_on: "vars", key: "arg_user" }, "7"],
      [{ hash_on: "header", key: "X-Device-Id" }, "dev"],
      [{ hash_on: "cookie", key: "Sid" }, "s1"],
      [{ hash_on: "consumer" }, "jack"],
      [{ hash_on: "vars_combinations", key: "$uri-${arg_user}" }, "/a-7"],
      [{ hash_on: "vars_combinations", key: "user:$arg_user$host!" }, "user:7example.com!"],
      [{ hash_on: "vars_combinations", key: "$arg_none/$arg_user" }, "/7"],
    ] as const
  ) {
    it(`finds ${key} by ${JSON.stringify(written)}`, () => assert.equal(keyOf(written), key));
  }

  for (
    const written of [
      { key: "arg_none" },
      { hash_on: "header", key: "none" },
      { hash_on: "cookie", key: "none" },
      { hash_on: "vars_combinations", key: "$arg_none:$empty" },
      { hash_on: "vars_combinations", key: "no variable" },
    ]
  ) {
    it(`falls back to the client's address with ${JSON.stringify(written)}`, () => {
      assert.equal(keyOf(written), "192.0.2.1");
    });
  }

  it("falls back to the client's address where nobody was authenticated", () => {
    const key = compileHashKey(createConfig({ type: "chash", hash_on: "consumer" }));
    assert.equal(key((name) => name === "remote_addr" ? "192.0.2.9" : undefined), "192.0.2.9");
    assert.equal(key(() => undefined), undefined);
  });
});
