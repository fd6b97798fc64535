import type { Gaps, RuntimeName } from "./contract.ts";

const UNDICI: Gaps = [
  // undici takes it for a broken answer, since it never asks for one.
  { row: "a 100 Continue that nobody asked for is passed over", how: /bad response/ },
];

/** What the transport over undici does not keep. */
export const undiciGaps: Readonly<Record<RuntimeName, Gaps>> = { deno: UNDICI, bun: UNDICI, node: UNDICI };

/** What the transport over each runtime's `fetch` does not keep. */
export const fetchGaps: Readonly<Record<RuntimeName, Gaps>> = { deno: [], bun: [], node: [] };
