import type { WritableSource, WriteResult } from "../../store/writable.ts";
import type { Step } from "./plan.ts";

/** What {@link carryOut} did. */
export interface Carried {
  readonly steps: number;
  readonly transactions: number;
  /** The store's revision after the last transaction; `undefined` where there was none. */
  readonly revision: number | undefined;
  /** Whether everything was done; else somebody else wrote one of the keys meanwhile, and the rest was not tried. */
  readonly ok: boolean;
}

/** Bytes of a transaction that are no value: etcd's own names and numbers around each operation. */
const OVERHEAD = 64;

/** Splits steps into as few writes as the store takes, in their order. */
export function toWrites(steps: readonly Step[], limits: WritableSource["limits"]): (readonly Step[])[] {
  const writes: Step[][] = [];
  let bytes = 0;
  for (const step of steps) {
    // A guard names the key once more.
    const size = 2 * step.key.length + (step.value?.length ?? 0) + OVERHEAD;
    const last = writes.at(-1);
    if (last === undefined || last.length >= limits.operations || bytes + size > limits.bytes) {
      writes.push([step]);
      bytes = size;
    } else {
      last.push(step);
      bytes += size;
    }
  }
  return writes;
}

/**
 * Writes steps, one transaction after the other. Each is guarded by what the plan was made from, so that nothing that somebody else wrote
 * meanwhile is overwritten unseen.
 *
 * @param onProgress Hears of steps that are done.
 * @throws WriteError
 */
export async function carryOut(
  target: WritableSource,
  steps: readonly Step[],
  onProgress: (done: number) => void,
): Promise<Carried> {
  let done = 0, transactions = 0;
  let revision: number | undefined;
  for (const write of toWrites(steps, target.limits)) {
    const result: WriteResult = await target.commit({
      puts: write.flatMap(({ key, value }) => value === undefined ? [] : [{ key, value }]),
      deletes: write.flatMap(({ key, value }) => value === undefined ? [key] : []),
      guards: write.map(({ key, modRevision }) => ({ key, modRevision })),
    });
    if (!result.ok) return { steps: done, transactions, revision, ok: false };
    transactions++;
    done += write.length;
    revision = result.revision;
    onProgress(done);
  }
  return { steps: done, transactions, revision, ok: true };
}
