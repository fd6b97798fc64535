// waits
import { RUNTIME } from "./contract.ts";
import { listenerContract } from "./listener.ts";
import { http1Gaps } from "./listener-gaps.ts";
import { thisRuntime } from "./runtime.ts";

listenerContract("http1", async () => (await thisRuntime()).listeners.http1, http1Gaps[RUNTIME]);
