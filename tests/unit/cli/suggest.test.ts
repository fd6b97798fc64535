import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { suggest } from "../../../src/cli/suggest.ts";

describe("suggest()", () => {
  const known = ["etcd", "etcd-user", "etcd-password", "etcd-password-file", "prefix", "listen", "log-level"];

  it("finds the name that was meant", () => {
    const slips: Record<string, string> = {
      "prefx": "prefix",
      "perfix": "prefix",
      "etcd-pasword": "etcd-password",
      "etcdUser": "etcd-user",
      "ETCD_USER": "etcd-user",
      "loglevel": "log-level",
      "ectd": "etcd",
    };
    for (const [slip, meant] of Object.entries(slips)) assert.equal(suggest(slip, known), meant, slip);
  });

  it("finds none where none is close", () => {
    for (const name of ["zzz", "log", "x", "resources", ""]) assert.equal(suggest(name, known), undefined, name);
  });
});
