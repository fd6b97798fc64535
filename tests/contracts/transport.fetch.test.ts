// waits
import { RUNTIME } from "./contract.ts";
import { thisRuntime } from "./runtime.ts";
import { transportContract } from "./transport.ts";
import { fetchGaps } from "./transport-gaps.ts";

transportContract("fetch", async () => await (await thisRuntime()).transports.fetch(), fetchGaps[RUNTIME]);
