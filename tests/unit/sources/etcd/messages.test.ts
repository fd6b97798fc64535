// What is said of etcd's messages is what etcd3's copy of `rpc.proto` says, and 64 bit integers come through exactly.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import protobuf from "protobufjs";
import { codecOf, fieldOf, MESSAGES } from "../../../../src/sources/etcd/messages.ts";

const proto = join(dirname(createRequire(import.meta.url).resolve("etcd3")), "../proto/rpc.proto");

describe("etcd's messages", () => {
  const theirs = new protobuf.Root().loadSync(proto, { keepCase: true }).resolveAll();

  for (const [message, fields] of Object.entries(MESSAGES)) {
    it(`has ${message} as etcd3 has it`, () => {
      const type = theirs.lookupType(message);
      for (const [name, text] of Object.entries(fields)) {
        const ours = fieldOf(text), field = type.fields[name];
        assert.ok(field !== undefined, `${message} has no ${name}`);
        assert.equal(field.id, ours.number, name);
        assert.equal(field.repeated, ours.repeated, name);
        // Enumerations are integers to whoever knows no names for them.
        const { resolvedType } = field;
        const isEnum = resolvedType instanceof protobuf.Enum;
        assert.equal(ours.type, isEnum ? "int32" : resolvedType?.name ?? field.type, name);
        if (ours.union !== undefined) assert.equal(field.partOf?.name, ours.union, name);
      }
    });
  }

  it("writes what etcd3 reads", () => {
    const key = Buffer.from("k"), range_end = Buffer.from("l");
    const request = {
      compare: [{ result: 0, target: 2, key, mod_revision: "9007199254740993" }],
      success: [{ request_put: { key, value: Buffer.alloc(300, 7), lease: "-1" } }, {
        request_range: { key, range_end },
      }],
      failure: [],
    };
    const read = theirs.lookupType("TxnRequest").decode(codecOf("TxnRequest").encode(request));
    assert.deepEqual(theirs.lookupType("TxnRequest").toObject(read, { longs: String, arrays: true }), request);
  });

  it("refuses bytes that end too early", () => {
    const bytes = codecOf("ResponseHeader").encode({ cluster_id: "14841639068965178418" });
    assert.throws(() => codecOf("ResponseHeader").decode(bytes.subarray(0, -1)), RangeError);
    assert.throws(() => codecOf("RangeResponse").decode(Buffer.from([0x12, 0x7f, 0x0a])), RangeError);
  });

  it("keeps what a double cannot hold", () => {
    const header = {
      cluster_id: "14841639068965178418",
      member_id: "18446744073709551615",
      revision: "9007199254740993",
    };
    const { encode, decode } = codecOf("ResponseHeader");
    assert.deepEqual({ ...decode(encode(header)) }, header);
  });

  it("skips fields that it does not know", () => {
    const kv = theirs.lookupType("KeyValue");
    const bytes = kv.encode(kv.fromObject({ key: Buffer.from("k"), version: 7, lease: 9, mod_revision: 3 })).finish();
    const read = codecOf("KeyValue").decode(bytes) as { key: Uint8Array; mod_revision: string };
    assert.equal(Buffer.from(read.key).toString(), "k");
    assert.deepEqual(Object.keys(read).sort(), ["key", "mod_revision"]);
    assert.equal(read.mod_revision, "3");
  });
});
