import { execFileSync } from "node:child_process";
import { cpuSeconds } from "./processes.ts";

/** What one run of load found. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** CPU time of the subject per request, in microseconds. */
  readonly cpuMicros: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

export interface LoadOptions {
  readonly seconds: number;
  /** Default: 64. */
  readonly connections?: number;
  readonly headers?: readonly string[];
  /** A wrk script. */
  readonly script?: string;
}

/**
 * Loads a URL with wrk and measures what it costs the subject.
 *
 * @throws Error where a request failed or was not answered with 2xx: then the figures say nothing.
 */
export function load(url: string, pid: number, options: LoadOptions): Load {
  const { seconds, connections = 64, headers = [], script } = options;
  const args = [
    "-t1",
    `-c${connections}`,
    `-d${seconds}s`,
    "--latency",
    ...headers.flatMap((header) => ["-H", header]),
  ];
  if (script !== undefined) args.push("-s", script);
  const before = cpuSeconds(pid);
  const output = wrk([...args, url], seconds);
  const cpu = cpuSeconds(pid) - before;
  const failed = /Non-2xx|Socket errors/.exec(output);
  if (failed !== null) throw new Error(`The run does not count: ${output}`);
  const [, requests = "0", duration = "1"] = /(\d+) requests in ([\d.]+)s/.exec(output) ?? [];
  return {
    requests: Number(requests),
    seconds: Number(duration),
    cpuMicros: cpu * 1e6 / Number(requests),
    p50: latency(output, "50%"),
    p99: latency(output, "99%"),
  };
}

/** wrk's output. It is ended where it takes half a minute longer than it was told to. */
function wrk(args: readonly string[], seconds: number): string {
  try {
    return execFileSync("wrk", args, { encoding: "utf8", timeout: (seconds + 30) * 1000 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Error("wrk is not installed (on Debian: apt-get install wrk)", { cause: error });
    if (code === "ETIMEDOUT") throw new Error(`wrk did not end within ${seconds + 30} s`, { cause: error });
    throw error;
  }
}

function latency(output: string, percentile: string): number {
  const [, value = "NaN", unit = "ms"] = new RegExp(`${percentile}\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? [];
  return Number(value) * (unit === "us" ? 0.001 : unit === "s" ? 1000 : 1);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
