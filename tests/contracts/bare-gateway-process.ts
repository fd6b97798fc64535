import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { ListenerLimits } from "../../src/runtimes/listener.ts";
import type { ListenerName, TransportName } from "../../src/runtimes/runtime.ts";
import { until } from "../support/raw.ts";
import { RUNTIME } from "./contract.ts";

const PROGRAM = fileURLToPath(new URL("bare-gateway.ts", import.meta.url));

/** What the Dockerfile sets for a gateway on Deno. */
const DEPLOYED = { DENO_V8_FLAGS: "--no-concurrent-array-buffer-sweeping" };

/** A process of this runtime that forwards everything to one origin. */
export interface BareGateway {
  readonly port: number;
  /** Bytes of memory that it has at the moment. Linux only. */
  rss(): number;
  stop(): void;
}

export async function startBareGateway(
  listener: ListenerName,
  transport: TransportName,
  originPort: number,
  limits: Partial<ListenerLimits> = {},
  env: Readonly<Record<string, string>> = DEPLOYED,
): Promise<BareGateway> {
  const args = RUNTIME === "deno" ? ["run", "-A", "--no-check"] : [];
  const command = [...args, PROGRAM, listener, transport, String(originPort), JSON.stringify(limits)];
  const child: ChildProcess = spawn(process.execPath, command, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...env },
  });
  let text = "";
  child.stdout!.on("data", (chunk: Uint8Array) => text += String(chunk));
  await until(() => /port \d+\n/.test(text), 20_000, "the gateway listens");
  return {
    port: Number(/port (\d+)/.exec(text)![1]),
    rss: () => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) * 1024,
    stop: () => void child.kill("SIGKILL"),
  };
}
