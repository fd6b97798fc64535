// waits
import { RUNTIME } from "./contract.ts";
import { listenerContract } from "./listener.ts";
import { nodeGaps } from "./listener-gaps.ts";
import { thisRuntime } from "./runtime.ts";

listenerContract("node", async () => (await thisRuntime()).listeners.node, nodeGaps[RUNTIME]);
