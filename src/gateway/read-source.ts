import { getLogger } from "@logtape/logtape";
import type { KeyStatus } from "../store/key-status.ts";
import type { Batch, ConfigSource } from "../store/source.ts";
import type { Store } from "../store/store.ts";

const log = getLogger(["gatewatch", "store"]);

/** Lines about single keys after one batch at the most; a bad list of thousands is told in a sum. */
const MAX_LINES = 10;

/** Milliseconds that batches which wait one behind the other keep the event loop to themselves; requests come between them then. */
const SLICE_MS = 1;
/** The real one, also where tests fake time: how long work takes is real. */
const { setTimeout: later } = globalThis;

/** Reads a source into a store until `signal` aborts, and says in the log what is odd. Never rejects. */
export async function readSource(
  source: ConfigSource,
  store: Store,
  signal: AbortSignal,
  applied: () => void,
): Promise<void> {
  let busy = 0;
  for await (const batch of source.read(signal)) {
    if (signal.aborted) return;
    const begun = performance.now();
    await applyBatch(batch, store);
    applied();
    busy += performance.now() - begun;
    if (busy < SLICE_MS) continue;
    await new Promise<void>((resolve) => void later(resolve, 0));
    busy = 0;
  }
}

/** A function of its own: what a loop that waits has in its variables stays in memory until the next batch. */
async function applyBatch(batch: Batch, store: Store): Promise<void> {
  try {
    const delta = await store.apply(batch);
    if (delta.reset !== undefined) log.warn("The store lost its history: {reset}", { reset: delta.reset });
    if (delta.first) {
      log.info("The first full list is applied", { revision: delta.revision, ...store.counts().states });
    }
    tellTransitions(delta.transitions);
  } catch (error) {
    // A mistake of ours; what was applied before goes on being served.
    log.error("Cannot apply revision {revision}: {error}", { revision: batch.revision, error });
  }
}

/** Says in the log which keys changed their state. */
export function tellTransitions(transitions: readonly KeyStatus[]): void {
  for (const { key, state, revision, issues, warnings } of transitions.slice(0, MAX_LINES)) {
    const fields = { key, state, revision, issues };
    if (state === "active") {
      if (warnings.length === 0) log.info("Key {key} is {state}", fields);
      continue;
    }
    const reason = issues.map(({ path, message }) => path === "" ? message : `${path} ${message}`).join("; ");
    const message = state === "stale"
      ? "Key {key} is {state}, the last good value goes on serving: {reason}"
      : "Key {key} is {state}: {reason}";
    log.warn(message, { ...fields, reason });
  }
  if (transitions.length > MAX_LINES) {
    log.warn("{more} more keys changed their state: see /status/keys", { more: transitions.length - MAX_LINES });
  }
}
