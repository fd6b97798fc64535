import type { Reader, Writer } from "protobufjs/minimal.js";
import protobuf from "protobufjs/minimal.js";

/** The fields of one message: `name: "type number"`; `repeated` in front of lists, `union.` in front of those of which one is set. */
type Fields = Readonly<Record<string, string>>;

/**
 * The part of etcd's `rpc.proto` and `kv.proto` (api/etcdserverpb, api/mvccpb) that is spoken; of fields that are neither written nor read,
 * nothing stands here, and protobuf skips them. Reading the whole files anew at each start took longer than the first list.
 * A test compares it with etcd3's copy.
 */
export const MESSAGES: Readonly<Record<string, Fields>> = {
  KeyValue: { key: "bytes 1", create_revision: "int64 2", mod_revision: "int64 3", value: "bytes 5" },
  Event: { type: "int32 1", kv: "KeyValue 2" },
  ResponseHeader: { cluster_id: "uint64 1", member_id: "uint64 2", revision: "int64 3", raft_term: "uint64 4" },
  RangeRequest: { key: "bytes 1", range_end: "bytes 2", limit: "int64 3", revision: "int64 4", keys_only: "bool 8" },
  RangeResponse: { header: "ResponseHeader 1", kvs: "repeated KeyValue 2", more: "bool 3" },
  PutRequest: { key: "bytes 1", value: "bytes 2", lease: "int64 3" },
  DeleteRangeRequest: { key: "bytes 1", range_end: "bytes 2" },
  RequestOp: {
    request_range: "request.RangeRequest 1",
    request_put: "request.PutRequest 2",
    request_delete_range: "request.DeleteRangeRequest 3",
  },
  ResponseOp: { response_range: "RangeResponse 1" },
  Compare: {
    result: "int32 1",
    target: "int32 2",
    key: "bytes 3",
    create_revision: "target_union.int64 5",
    mod_revision: "target_union.int64 6",
  },
  TxnRequest: { compare: "repeated Compare 1", success: "repeated RequestOp 2", failure: "repeated RequestOp 3" },
  TxnResponse: { header: "ResponseHeader 1", succeeded: "bool 2", responses: "repeated ResponseOp 3" },
  WatchRequest: {
    create_request: "request_union.WatchCreateRequest 1",
    progress_request: "request_union.WatchProgressRequest 3",
  },
  WatchCreateRequest: {
    key: "bytes 1",
    range_end: "bytes 2",
    start_revision: "int64 3",
    progress_notify: "bool 4",
    fragment: "bool 8",
  },
  WatchProgressRequest: {},
  WatchResponse: {
    header: "ResponseHeader 1",
    created: "bool 3",
    canceled: "bool 4",
    compact_revision: "int64 5",
    cancel_reason: "string 6",
    fragment: "bool 7",
    events: "repeated Event 11",
  },
  LeaseGrantRequest: { TTL: "int64 1", ID: "int64 2" },
  LeaseGrantResponse: { header: "ResponseHeader 1", ID: "int64 2", TTL: "int64 3" },
  LeaseRevokeRequest: { ID: "int64 1" },
  LeaseRevokeResponse: { header: "ResponseHeader 1" },
  LeaseKeepAliveRequest: { ID: "int64 1" },
  LeaseKeepAliveResponse: { header: "ResponseHeader 1", ID: "int64 2", TTL: "int64 3" },
  AuthenticateRequest: { name: "string 1", password: "string 2" },
  AuthenticateResponse: { header: "ResponseHeader 1", token: "string 2" },
};

/** A field of {@link MESSAGES}, taken apart. */
export interface MessageField {
  readonly type: string;
  readonly number: number;
  readonly repeated: boolean;
  /** The union that it belongs to. */
  readonly union: string | undefined;
}

/** @example `fieldOf("repeated KeyValue 2")` */
export function fieldOf(text: string): MessageField {
  const [, repeated, union, type = "", number] = /^(repeated )?(?:([a-z_]+)\.)?(\w+) (\d+)$/.exec(text) ?? [];
  return { type, number: Number(number), repeated: repeated !== undefined, union };
}

/** A type that stands for itself in a message: how protobuf's reader and writer call it, and its wire type. */
const SCALARS = { bool: 0, int32: 0, int64: 0, uint64: 0, bytes: 2, string: 2 } as const;
type Scalar = keyof typeof SCALARS;

interface Field extends Omit<MessageField, "type"> {
  readonly name: string;
  /** What stands before a value of it. */
  readonly tag: number;
  readonly type: Scalar | readonly Field[];
}

const LAYOUTS = new Map<string, readonly Field[]>();

/** The fields of a message, by their numbers' order in {@link MESSAGES}; made when the first one is written or read. */
function layoutOf(message: string): readonly Field[] {
  let layout = LAYOUTS.get(message);
  if (layout === undefined) {
    layout = Object.entries(MESSAGES[message] ?? {}).map(([name, text]): Field => {
      const { type, ...field } = fieldOf(text);
      const wire = type in SCALARS ? SCALARS[type as Scalar] : 2;
      return {
        ...field,
        name,
        tag: field.number << 3 | wire,
        type: wire === 2 && !(type in SCALARS) ? layoutOf(type) : type as Scalar,
      };
    });
    LAYOUTS.set(message, layout);
  }
  return layout;
}

type Message = Record<string, unknown>;

function write(writer: Writer, message: Message, layout: readonly Field[]): Writer {
  for (const { name, tag, type, repeated } of layout) {
    const value = message[name];
    if (value === undefined || value === null) continue;
    for (const one of repeated ? value as readonly unknown[] : [value]) {
      writer.uint32(tag);
      if (typeof type === "string") writer[type](one as never);
      else write(writer.fork(), one as Message, type).ldelim();
    }
  }
  return writer;
}

function read(reader: Reader, end: number, layout: readonly Field[]): Message {
  const message: Message = {};
  while (reader.pos < end) {
    const tag = reader.uint32();
    const field = layout.find((field) => field.tag === tag);
    if (field === undefined) {
      reader.skipType(tag & 7);
      continue;
    }
    const { name, type } = field;
    let value: unknown;
    if (typeof type !== "string") {
      const length = reader.uint32();
      value = read(reader, reader.pos + length, type);
    } else {
      value = reader[type]();
      // Wider than a double.
      if (type === "int64" || type === "uint64") value = String(value);
    }
    if (field.repeated) ((message[name] ??= []) as unknown[]).push(value);
    else message[name] = value;
  }
  return message;
}

/** How one message is written and read. */
export interface MessageCodec {
  encode(message: object): Buffer;
  /** Integers of 64 bits as text; fields that are not there are left out. @throws RangeError where the bytes end too early. */
  decode(bytes: Uint8Array): object;
}

/** @param message One of {@link MESSAGES}. */
export function codecOf(message: string): MessageCodec {
  return {
    encode: (value) => {
      const { buffer, byteOffset, byteLength } = write(protobuf.Writer.create(), value as Message, layoutOf(message))
        .finish();
      return Buffer.from(buffer, byteOffset, byteLength);
    },
    decode: (bytes) => read(protobuf.Reader.create(bytes), bytes.length, layoutOf(message)),
  };
}
