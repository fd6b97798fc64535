import type { EtcdClient, Header, KeyValue } from "./client.ts";
import { Doubt } from "./doubt.ts";
import { EtcdError } from "./errors.ts";
import type { Listing } from "./replica.ts";

/** What a list is bounded by. */
export interface ListBounds {
  /** Keys and values together, in bytes. */
  readonly listBytes: number;
}

/** How many keys to ask for at once; shrinks where pages come too slowly or too large, and grows back with every list that worked. */
export class PageSize {
  readonly #most: number;
  #now: number;

  constructor(most: number) {
    this.#most = most;
    this.#now = most;
  }

  get value(): number {
    return this.#now;
  }

  shrink(): void {
    this.#now = Math.max(1, Math.floor(this.#now / 4));
  }

  grow(): void {
    this.#now = Math.min(this.#most, this.#now * 2);
  }
}

/** Times that a list is begun anew because its revision was compacted while it was read. */
const RESTARTS = 3;

/** What to list, and as of when; without a revision as it is now. */
export interface ListRange {
  readonly key: string;
  readonly end: string;
  readonly revision?: number;
}

/**
 * Reads every key from `key` to `end`, in pages that are all of the first page's revision.
 *
 * @throws EtcdError where a page fails; Doubt `too_large` where keys and values are more than `listBytes`.
 */
export async function listAll(
  client: EtcdClient,
  range: ListRange,
  page: PageSize,
  bounds: ListBounds,
): Promise<Listing> {
  for (let restarts = 0;; restarts++) {
    try {
      const listing = await listOnce(client, range, page, bounds);
      page.grow();
      return listing;
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error;
      if (error.code === "too_large" && page.value > 1) page.shrink();
      else if (error.code !== "compacted" || restarts >= RESTARTS) {
        if (error.code === "timeout") page.shrink();
        throw error;
      }
    }
  }
}

async function listOnce(
  client: EtcdClient,
  { key, end, revision: wanted }: ListRange,
  page: PageSize,
  { listBytes }: ListBounds,
): Promise<Listing> {
  const items = new Map<string, KeyValue>();
  let header: Header | undefined;
  let from = key;
  let bytes = 0;
  for (;;) {
    const at = wanted ?? header?.revision;
    const answer = await client.range({
      key: from,
      end,
      limit: page.value,
      ...(at === undefined ? {} : { revision: at }),
    });
    header ??= answer.header;
    if (answer.header.clusterId !== header.clusterId) {
      throw new Doubt("cluster", "the cluster changed while it was listed");
    }
    for (const item of answer.items) {
      bytes += item.key.length + item.value.length;
      items.set(item.key, item);
    }
    if (bytes > listBytes) {
      throw new Doubt("too_large", `the prefix holds more than ${listBytes} bytes, which is more than is taken`);
    }
    const last = answer.items.at(-1);
    if (!answer.more || !last) return { header, items };
    from = `${last.key}\0`;
  }
}
