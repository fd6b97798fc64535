/** How long to wait, for what. */
export interface UntilOptions {
  /** Milliseconds after which the wait fails. Default 5000. */
  readonly limit?: number;
  /** Milliseconds between two looks. Default 5. */
  readonly every?: number;
  /** What is waited for, for the message of the failure. */
  readonly what: string;
}

/**
 * Waits until `condition` gives something true, and resolves to it. An error that the condition throws counts as "not yet" and is
 * told when the wait fails.
 *
 * @throws Error that names what was waited for, when the limit is over.
 * @example
 * ```ts
 * await until(() => source.status().state === "synced", { what: "the source is synced" });
 * ```
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions,
): Promise<Exclude<T, false | null | undefined | 0 | "">> {
  const { limit = 5000, every = 5, what } = options;
  const start = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as Exclude<T, false | null | undefined | 0 | "">;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (performance.now() - start > limit) {
      throw new Error(`Not within ${limit} ms: ${what}${last === undefined ? "" : ` (last error: ${String(last)})`}`);
    }
    await new Promise((resolve) => setTimeout(resolve, every));
  }
}
