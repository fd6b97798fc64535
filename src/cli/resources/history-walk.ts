import { type StoredEntry, type WritableSource, WriteError } from "../../store/writable.ts";

/** What a key was from one revision on. */
export interface Version {
  readonly revision: number;
  /** `undefined`: it was deleted then. */
  readonly entry: StoredEntry | undefined;
}

/** A key's past, newest first. */
export interface History {
  readonly versions: readonly Version[];
  /** Whether older versions may have been there: the store has forgotten them. */
  readonly compacted: boolean;
}

/**
 * Walks back through a key's past. Each version names the revision that wrote it, so that the one before it is what the key was one revision
 * earlier. Where it did not exist then, older lives of it are looked for at doubling distances: one that lies between two looks may be missed.
 *
 * @param limit Most versions.
 * @throws WriteError where the store cannot be read.
 */
export async function walkHistory(source: WritableSource, key: string, limit: number): Promise<History> {
  const versions: Version[] = [];
  const read = async (revision: number): Promise<StoredEntry | undefined | "compacted"> => {
    if (revision < 1) return "compacted";
    try {
      return (await source.get(key, { revision })).entry;
    } catch (error) {
      if (error instanceof WriteError && error.code === "compacted") return "compacted";
      throw error;
    }
  };
  const now = await source.get(key);
  let entry = now.entry;
  let at = now.revision;
  while (versions.length < limit) {
    if (entry !== undefined) {
      versions.push({ revision: entry.modRevision, entry });
      at = entry.modRevision - 1;
    } else {
      const older = await findOlder(read, at);
      if (older === undefined) return { versions, compacted: false };
      if (older === "compacted") return { versions, compacted: true };
      versions.push({ revision: older.deleted, entry: undefined });
      at = older.deleted - 1;
    }
    if (at < 1) return { versions, compacted: false };
    const before = await read(at);
    if (before === "compacted") return { versions, compacted: true };
    entry = before;
  }
  return { versions, compacted: false };
}

type Read = (revision: number) => Promise<StoredEntry | undefined | "compacted">;

/** The revision that deleted a key which is not there at `absent`; `undefined` where it never was before, as far as is seen. */
async function findOlder(read: Read, absent: number): Promise<{ readonly deleted: number } | undefined | "compacted"> {
  let high = absent;
  for (let distance = 1;; distance *= 2) {
    let low = absent - distance;
    let found = low < 1 ? "compacted" as const : await read(low);
    if (found === "compacted") {
      // The oldest revision that is kept lies between: look there before giving up.
      const oldest = await oldestKept(read, Math.max(0, low), high);
      if (oldest >= high) return low < 1 ? undefined : "compacted";
      low = oldest;
      found = await read(low);
      if (found === undefined || found === "compacted") return low <= 1 ? undefined : "compacted";
    }
    if (found === undefined) {
      high = low;
      continue;
    }
    let present = low;
    while (high - present > 1) {
      const middle = Math.floor((present + high) / 2);
      const there = await read(middle);
      if (there === undefined || there === "compacted") high = middle;
      else present = middle;
    }
    return { deleted: high };
  }
}

async function oldestKept(read: Read, compacted: number, kept: number): Promise<number> {
  let low = compacted, high = kept;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (await read(middle) === "compacted") low = middle;
    else high = middle;
  }
  return high;
}
