import type { Gaps, RuntimeName } from "./contract.ts";

/** What the listener over `node:http` does not keep. */
export const nodeGaps: Readonly<Record<RuntimeName, Gaps>> = {
  deno: [],
  bun: [
    // Bun's parser has a limit of its own, between 110 and 210 fields.
    { row: "a thousand fields, where that many are allowed, arrive", how: /431 !== 200/ },
    { row: "Set-Cookie stay where they were among the fields", how: /'set-cookie',\n\+ +'set-cookie'/ },
    { row: "a client that is reset breaks the tunnel", how: /'ended' !== 'broken'/ },
  ],
  node: [],
};

/** What the listeners over `Deno.serve` and `Bun.serve` do not keep. */
export const nativeGaps: Readonly<Record<"deno" | "bun", Gaps>> = { deno: [], bun: [] };
