import { join } from "node:path";

const root = join(import.meta.dirname ?? "", "../..");
const bin = join(root, "node_modules/.bin");

/** What starts a gateway on each runtime, but for its own arguments. */
export const GATEWAYS: Readonly<Record<string, readonly string[]>> = {
  bun: [join(bin, "bun"), "run", join(root, "src/entries/bun.ts")],
  deno: [join(bin, "deno"), "run", "-A", join(root, "src/entries/deno.ts")],
  node: [join(bin, "node"), join(root, "src/entries/node.ts")],
};

/** Waits until the routes are there. @param control Port of the control API. */
export async function ready(control: number): Promise<void> {
  const end = performance.now() + 60_000;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${control}/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    if (performance.now() > end) throw new Error("The gateway did not become ready within 60 s");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
