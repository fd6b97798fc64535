// runtimes: deno, bun
// waits
import { RUNTIME } from "./contract.ts";
import { listenerContract } from "./listener.ts";
import { nativeGaps } from "./listener-gaps.ts";
import { thisRuntime } from "./runtime.ts";

// Node has no server of its own beside node:http.
if (RUNTIME !== "node") {
  listenerContract("native", async () => (await thisRuntime()).listeners.native!, nativeGaps[RUNTIME]);
}
