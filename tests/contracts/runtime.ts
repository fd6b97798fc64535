import type { Runtime } from "../../src/runtimes/runtime.ts";
import { RUNTIME } from "./contract.ts";

/** The module of the runtime that runs the tests: no other may be loaded. */
export async function thisRuntime(): Promise<Runtime> {
  switch (RUNTIME) {
    case "deno":
      return (await import("../../src/runtimes/deno.ts")).deno;
    case "bun":
      return (await import("../../src/runtimes/bun.ts")).bun;
    case "node":
      return (await import("../../src/runtimes/node.ts")).node;
  }
}
