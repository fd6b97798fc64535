/**
 * What the loop needs of etcd, and nothing else: two carriers implement it. Keys are byte strings: one character per byte (latin1), so
 * that no two keys are ever one, whatever their bytes are. Revisions are numbers, checked to be exact at the edge; ids that are
 * unsigned 64 bit stay text.
 */

/** Who answered, and where its store stood. */
export interface Header {
  readonly clusterId: string;
  readonly memberId: string;
  /** The store's revision when the answer was sent; in a watch it may be ahead of the events. */
  readonly revision: number;
  readonly term: number;
}

export interface KeyValue {
  /** Byte string. */
  readonly key: string;
  /** A copy of its own, no view into the answer. */
  readonly value: Uint8Array;
  readonly create: number;
  readonly mod: number;
}

export interface RangeRequest {
  readonly key: string;
  /** First key after the range; without it only `key` is read. */
  readonly end?: string;
  /** Most keys to answer; without it all. */
  readonly limit?: number;
  /** Reads the store as it was at that revision; without it as it is. */
  readonly revision?: number;
  readonly keysOnly?: boolean;
}

export interface RangeResponse {
  readonly header: Header;
  readonly items: readonly KeyValue[];
  /** The limit left keys out. */
  readonly more: boolean;
}

export interface WatchRequest {
  readonly key: string;
  readonly end: string;
  /** First revision whose events are sent; never 0, which would mean "from now". */
  readonly from: number;
}

export interface WatchEvent {
  readonly deleted: boolean;
  /** Where deleted, the value is empty and `mod` is the revision of the delete. */
  readonly item: KeyValue;
}

export interface WatchMessage {
  readonly header: Header;
  readonly created: boolean;
  /** Set where etcd ended the watch. `compactRevision` is 0 where compaction is not the cause. */
  readonly canceled?: { readonly reason: string; readonly compactRevision: number };
  /** More events of the last revision follow in the next message. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

/** Takes what a watch sends. After `failed` nothing follows. */
export interface WatchHandler {
  message(message: WatchMessage): void;
  failed(error: Error): void;
}

export interface Watch {
  /** Asks for a message without events, as a sign of life on this very stream. */
  requestProgress(): void;
  /** Ends the watch; the handler hears nothing more. */
  cancel(): void;
}

/** A condition of a transaction. A key that does not exist has `mod` 0. */
export interface Compare {
  readonly key: string;
  readonly target: "create" | "mod";
  readonly equals: number;
}

export type Operation =
  | { readonly kind: "put"; readonly key: string; readonly value: Uint8Array; readonly lease?: string }
  | { readonly kind: "delete"; readonly key: string; readonly end?: string }
  | { readonly kind: "range"; readonly key: string; readonly end?: string };

export interface TxnRequest {
  /** All must hold, else `otherwise` is done. */
  readonly compare?: readonly Compare[];
  readonly then: readonly Operation[];
  readonly otherwise?: readonly Operation[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  /** Per operation that was done: the keys that a range found; none for others. */
  readonly found: readonly (readonly KeyValue[])[];
}

/**
 * One connection to one endpoint. Every call ends within the client's time limit. What fails is an {@link EtcdError}.
 */
export interface EtcdClient {
  /** The endpoint's URL. */
  readonly endpoint: string;
  /** Calls and watches go over one connection, so that an answered call proves that the watch's connection lives. */
  readonly sharesConnection: boolean;
  /** Logs in; every later call is made as that user. */
  authenticate(user: string, password: string): Promise<void>;
  range(request: RangeRequest): Promise<RangeResponse>;
  txn(request: TxnRequest): Promise<TxnResponse>;
  watch(request: WatchRequest, handler: WatchHandler): Watch;
  /** Resolves to the lease's id. */
  leaseGrant(seconds: number): Promise<string>;
  /** Prolongs a lease once; resolves to the seconds that it has now, 0 where it has ended. */
  leaseKeepAlive(id: string): Promise<number>;
  leaseRevoke(id: string): Promise<void>;
  /** Ends everything at once; calls in flight fail. */
  close(): void;
}
