import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { HeaderList } from "../../../src/net/header-list.ts";
import { soleValue } from "../../../src/pipeline/authentication.ts";
import { equalSecret, fingerprintSecret } from "../../../src/pipeline/equal-secret.ts";
import { readToken } from "../../../src/pipeline/jwt.ts";
import { readPublicKey } from "../../../src/pipeline/public-key.ts";
import { queryValues, withoutArgument } from "../../../src/pipeline/query.ts";
import { createPair, sign } from "../../support/tokens.ts";

describe("equalSecret() and fingerprintSecret()", () => {
  it("say the same as ===", () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
      assert.equal(equalSecret(a, b), a === b);
      assert.equal(equalSecret(a, a), true);
      assert.equal(fingerprintSecret(a) === fingerprintSecret(b), a === b);
    }));
  });

  it("tell texts of one length apart by any one unit", () => {
    fc.assert(fc.property(fc.string({ minLength: 1 }), fc.nat(), (text, at) => {
      const i = at % text.length;
      const other = text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) + text.slice(i + 1);
      assert.equal(equalSecret(other, text), false);
      assert.notEqual(fingerprintSecret(other), fingerprintSecret(text));
    }));
  });
});

describe("queryValues() and withoutArgument()", () => {
  const table = [
    { target: "/", values: [], without: "/" },
    { target: "/?", values: [], without: "/?" },
    { target: "/?k=1", values: ["1"], without: "/" },
    { target: "/?a=%20&k=1&b", values: ["1"], without: "/?a=%20&b" },
    { target: "/?k=1&%6b=2&k", values: ["1", "2", true], without: "/" },
    { target: "/k=1?a=k=1&kk=2", values: [], without: "/k=1?a=k=1&kk=2" },
    { target: "/?&&k=a+b%2B=&", values: ["a b+="], without: "/?&&" },
    { target: "/?a?k=1&k=x?y", values: ["x?y"], without: "/?a?k=1" },
  ];
  for (const { target, values, without } of table) {
    it(target, () => {
      assert.deepEqual(queryValues(target, "k"), values);
      assert.equal(withoutArgument(target, "k"), without);
    });
  }

  it("leave nothing of the argument, and everything else as it was", () => {
    const pair = fc.tuple(fc.constantFrom("k", "%6b", "K", "a", ""), fc.constantFrom("", "=", "=1", "=%20", "==&"));
    fc.assert(fc.property(fc.array(pair), (pairs) => {
      const target = `/p?${pairs.map(([name, value]) => name + value).join("&")}`;
      const rest = withoutArgument(target, "k");
      assert.deepEqual(queryValues(rest, "k"), []);
      for (const name of ["K", "a"]) assert.deepEqual(queryValues(rest, name), queryValues(target, name));
    }));
  });
});

describe("soleValue()", () => {
  const table: [fields: string[], value: string | false | undefined][] = [
    [[], undefined],
    [["K", ""], ""],
    [["k", "a", "K", "a"], "a"],
    [["k", "a", "K", "b"], false],
    [["k", "\u00c3\u00bc"], "ü"],
    [["k", "\u00fc"], false],
  ];
  for (const [fields, value] of table) {
    it(JSON.stringify(fields), () => assert.equal(soleValue(new HeaderList(fields), "k"), value));
  }
});

describe("readPublicKey()", () => {
  it("tells the kind of a key", async () => {
    const kindOf = async (algorithm: string) => readPublicKey((await createPair(algorithm)).publicKey);
    assert.deepEqual(await kindOf("RS256"), { type: "RSA", bits: 2048 });
    assert.deepEqual(await kindOf("ES256"), { type: "EC", curve: "P-256" });
    assert.deepEqual(await kindOf("ES384"), { type: "EC", curve: "P-384" });
    assert.deepEqual(await kindOf("ES512"), { type: "EC", curve: "P-521" });
    assert.deepEqual(await kindOf("EdDSA"), { type: "Ed25519" });
  });

  it("does not throw, whatever it is given", async () => {
    const { publicKey } = await createPair("ES256");
    const pem = (bytes: Uint8Array) =>
      `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...bytes))}\n-----END PUBLIC KEY-----`;
    const der = Uint8Array.from(atob(publicKey.replace(/-----[^-]+-----|\s/g, "")), (unit) => unit.charCodeAt(0));
    for (let i = 0; i < der.length; i++) assert.equal(readPublicKey(pem(der.subarray(0, i))), undefined);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readPublicKey(pem(bytes))));
    fc.assert(fc.property(fc.nat(der.length - 1), fc.nat(255), (at, byte) => {
      const changed = der.slice();
      changed[at] = byte;
      readPublicKey(pem(changed));
    }));
    fc.assert(fc.property(fc.string(), (text) => assert.equal(readPublicKey(text), undefined)));
  });
});

describe("readToken()", () => {
  it("reads what was signed, and nothing that differs from it in one letter's spelling", async () => {
    const token = await sign("HS256", "secret", { key: "k" });
    assert.deepEqual(readToken(token), { algorithm: "HS256", payload: { key: "k" } });
    for (const odd of [`${token}=`, ` ${token}`, `${token}\n`, token.replace(".", ".."), `${token}.`]) {
      assert.equal(readToken(odd), undefined);
    }
  });

  it("does not throw, whatever it is given", () => {
    fc.assert(fc.property(fc.array(fc.base64String(), { maxLength: 4 }), (parts) => void readToken(parts.join("."))));
    fc.assert(fc.property(fc.string(), (text) => void readToken(text)));
  });
});
