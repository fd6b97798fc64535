// Loaded into a gateway before it starts (`--preload`, `--import`), so that a test can ask what it still holds: at SIGUSR2 garbage is collected, and one line
// of JSON on standard error says what is left.
import process from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** What a process holds after its garbage was collected. Bytes. */
export interface Held {
  readonly held: number;
  readonly rss: number;
}

/** Every runtime can collect its garbage when it is told to, each in its own way. */
function collector(): () => void {
  const { Bun } = globalThis as { readonly Bun?: { gc(now: boolean): void } };
  if (Bun) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

const collect = collector();
process.on("SIGUSR2", () => {
  let looks = 0;
  // What a collection frees may hold more that only the next one frees.
  const again = (): void => {
    collect();
    if (++looks < 3) return void setTimeout(again, 50);
    const { heapUsed, external, rss } = process.memoryUsage();
    const held: Held = { held: heapUsed + external, rss };
    process.stderr.write(`${JSON.stringify(held)}\n`);
  };
  again();
});
