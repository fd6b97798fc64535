import { type Delta, type ServedKind } from "../../../src/store/delta.ts";
import type { KeyStatus } from "../../../src/store/key-status.ts";
import type { Change } from "../../../src/store/source.ts";
import { Store, type StoreOptions } from "../../../src/store/store.ts";
import { catalogue, toBytes } from "../config/values.ts";

/** A store that knows the plugins of the tests, and short ways to write to it. */
export interface Fixture {
  readonly store: Store;
  /** Every delta that was committed. */
  readonly deltas: Delta[];
  /** Applies one batch of a new revision: a value for a key, a text as it is, `null` to delete. */
  write(values: Readonly<Record<string, unknown>>): Promise<Delta>;
  /** The status of a key, or `undefined`. */
  status(key: string): KeyStatus | undefined;
  /** The state of a key with the paths of its issues, as in `stale uri`. */
  state(key: string): string | undefined;
}

export function createFixture(options: StoreOptions = {}): Fixture {
  const deltas: Delta[] = [];
  const store = new Store({ load: { plugins: catalogue }, ...options, onCommit: (delta) => void deltas.push(delta) });
  let revision = 0;
  const status = (key: string): KeyStatus | undefined => [...store.keys()].find((found) => found.key === key);
  return {
    store,
    deltas,
    write(values) {
      revision++;
      return store.apply({ revision, changes: toChanges(values, revision) });
    },
    status,
    state(key) {
      const found = status(key);
      return found && [found.state, ...found.issues.map((issue) => issue.path)].join(" ").trim();
    },
  };
}

export function toChanges(values: Readonly<Record<string, unknown>>, revision: number): Change[] {
  return Object.entries(values).map(([key, value]) => ({
    key,
    revision,
    value: value === null ? undefined : value instanceof Uint8Array ? value : toBytes(value),
  }));
}

/** What a delta changed, as in `+route/1`, `-route/1`, `~route/1`. */
export function summary(delta: Delta): string[] {
  return delta.changes.map(({ kind, id, before, after }) =>
    `${before === undefined ? "+" : after === undefined ? "-" : "~"}${kind satisfies ServedKind}/${id}`
  );
}

export const route = (fields: object = {}): unknown => ({ uri: "/a", upstream_id: "u", ...fields });
export const upstream = (port = 80): unknown => ({ nodes: { [`127.0.0.1:${port}`]: 1 } });
