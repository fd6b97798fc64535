import type {
  Header,
  KeyValue,
  Operation,
  RangeRequest,
  TxnRequest,
  WatchEvent,
  WatchMessage,
  WatchRequest,
} from "./client.ts";
import { toInteger } from "./int64.ts";

/**
 * etcd's messages as both carriers have them: the names of `rpc.proto`, integers as text, what is 0 perhaps left out. They differ in how
 * bytes are written (buffers, base64), which a {@link ByteCodec} knows.
 */
export interface ByteCodec<Bytes> {
  fromByteString(bytes: string): Bytes;
  fromBytes(bytes: Uint8Array): Bytes;
  toByteString(bytes: Bytes | undefined): string;
  /** A copy of its own. */
  toBytes(bytes: Bytes | undefined): Uint8Array;
}

type Int = string | number;

export interface WireHeader {
  readonly cluster_id?: Int;
  readonly member_id?: Int;
  readonly revision?: Int;
  readonly raft_term?: Int;
}

export interface WireKeyValue<Bytes> {
  readonly key?: Bytes;
  readonly value?: Bytes;
  readonly create_revision?: Int;
  readonly mod_revision?: Int;
}

export interface WireRange<Bytes> {
  readonly header?: WireHeader | null;
  readonly kvs?: readonly WireKeyValue<Bytes>[];
  readonly more?: boolean;
}

export interface WireTxn<Bytes> {
  readonly header?: WireHeader | null;
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: WireRange<Bytes> | null }[];
}

export interface WireWatch<Bytes> {
  readonly header?: WireHeader | null;
  readonly created?: boolean;
  readonly canceled?: boolean;
  readonly compact_revision?: Int;
  readonly cancel_reason?: string;
  readonly fragment?: boolean;
  readonly events?: readonly { readonly type?: Int; readonly kv?: WireKeyValue<Bytes> | null }[];
}

export function toHeader(header: WireHeader | null | undefined): Header {
  return {
    clusterId: String(header?.cluster_id ?? ""),
    memberId: String(header?.member_id ?? ""),
    revision: toInteger(header?.revision),
    term: toInteger(header?.raft_term),
  };
}

/** The translations of one carrier. */
export interface Wire<Bytes> {
  range(request: RangeRequest): Record<string, unknown>;
  txn(request: TxnRequest): Record<string, unknown>;
  watch(request: WatchRequest): Record<string, unknown>;
  toItems(kvs: readonly WireKeyValue<Bytes>[] | undefined): KeyValue[];
  toMessage(message: WireWatch<Bytes>): WatchMessage;
}

export function createWire<Bytes>(codec: ByteCodec<Bytes>): Wire<Bytes> {
  const toItem = (kv: WireKeyValue<Bytes>): KeyValue => ({
    key: codec.toByteString(kv.key),
    value: codec.toBytes(kv.value),
    create: toInteger(kv.create_revision),
    mod: toInteger(kv.mod_revision),
  });
  const toItems = (kvs: readonly WireKeyValue<Bytes>[] | undefined): KeyValue[] => (kvs ?? []).map(toItem);
  const bounds = ({ key, end }: { readonly key: string; readonly end?: string }) => ({
    key: codec.fromByteString(key),
    ...(end === undefined ? {} : { range_end: codec.fromByteString(end) }),
  });

  const range = (request: RangeRequest): Record<string, unknown> => ({
    ...bounds(request),
    ...(request.limit === undefined ? {} : { limit: String(request.limit) }),
    ...(request.revision === undefined ? {} : { revision: String(request.revision) }),
    ...(request.keysOnly ? { keys_only: true } : {}),
  });

  const operation = (one: Operation): Record<string, unknown> => {
    if (one.kind === "range") return { request_range: bounds(one) };
    if (one.kind === "delete") return { request_delete_range: bounds(one) };
    const lease = one.lease === undefined ? {} : { lease: one.lease };
    return { request_put: { key: codec.fromByteString(one.key), value: codec.fromBytes(one.value), ...lease } };
  };

  return {
    range,
    toItems,
    txn: ({ compare = [], then, otherwise = [] }) => ({
      compare: compare.map(({ key, target, equals }) => ({
        // By number: etcd and etcd3's copy of the definitions write the names differently, and a wrong one would mean 0.
        result: 0,
        target: target === "mod" ? 2 : 1,
        key: codec.fromByteString(key),
        ...(target === "mod" ? { mod_revision: String(equals) } : { create_revision: String(equals) }),
      })),
      success: then.map(operation),
      failure: otherwise.map(operation),
    }),
    watch: (request) => ({
      create_request: {
        ...bounds(request),
        start_revision: String(request.from),
        progress_notify: true,
        // Without it a backlog comes as one message of any size.
        fragment: true,
      },
    }),
    toMessage: (message) => ({
      header: toHeader(message.header),
      created: message.created ?? false,
      ...(message.canceled
        ? {
          canceled: {
            reason: message.cancel_reason ?? "",
            compactRevision: toInteger(message.compact_revision),
          },
        }
        : {}),
      fragment: message.fragment ?? false,
      events: (message.events ?? []).map(({ type, kv }): WatchEvent => ({
        // `Delete` in etcd3's copy of the definitions, `DELETE` in etcd's own.
        deleted: String(type).toUpperCase() === "DELETE" || type === 1,
        item: toItem(kv ?? {}),
      })),
    }),
  };
}
