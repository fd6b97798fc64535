// waits
import { RUNTIME } from "./contract.ts";
import { thisRuntime } from "./runtime.ts";
import { transportContract } from "./transport.ts";
import { undiciGaps } from "./transport-gaps.ts";

transportContract("undici", async () => await (await thisRuntime()).transports.undici(), undiciGaps[RUNTIME]);
