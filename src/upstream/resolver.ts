/** What a name stands for at the moment. */
export interface Resolution {
  readonly addresses: readonly string[];
  /** Milliseconds after which to ask again. */
  readonly ttl: number;
}

/** Looks a name up. Rejects where it cannot be. */
export type Resolve = (name: string) => Promise<Resolution>;
