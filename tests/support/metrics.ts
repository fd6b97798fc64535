import { spawnSync } from "node:child_process";
import { answerMetrics } from "../../src/observe/metrics.ts";
import type { Gateway } from "../../src/gateway/gateway.ts";

/** A line of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** What `GET /metrics` says of a gateway. */
export interface Scrape {
  readonly text: string;
  readonly samples: readonly Sample[];
  /** The samples of that name with at least these labels. */
  find(name: string, labels?: Readonly<Record<string, string>>): Sample[];
  /** The sum of their values; 0 where there are none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

export async function scrape(gateway: Gateway): Promise<Scrape> {
  const options = { gateway, prefix: "/gatewatch/", hostname: "here", version: "1.2.3", connections: () => 7 };
  return parseMetrics(await answerMetrics(options).text());
}

/** Reads the text format. Fails at a line that is none of it. */
export function parseMetrics(text: string): Scrape {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name, all = "", value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined || Number.isNaN(Number(value))) throw new Error(`Not a sample: ${line}`);
    const labels: Record<string, string> = {};
    for (const [, label, quoted] of all.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[label!] = quoted!.replace(/\\(.)/g, (_, one: string) => one === "n" ? "\n" : one);
    }
    samples.push({ name, labels, value: Number(value) });
  }
  const find: Scrape["find"] = (name, labels = {}) =>
    samples.filter((sample) =>
      sample.name === name && Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    );
  return {
    text,
    samples,
    find,
    sum: (name, labels) => find(name, labels).reduce((total, { value }) => total + value, 0),
  };
}

/** Why text cannot be given to promtool; false where it can (Debian's package `prometheus` has it). */
export const withoutPromtool: string | false = spawnSync("promtool", ["--version"]).status === 0
  ? false
  : "promtool is not installed (apt-get install --no-install-recommends prometheus)";

/** What `promtool check metrics` has to say of a text; empty where it is content. */
export function lint(text: string): string {
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
  return status === 0 ? stdout + stderr : `${status}: ${stdout}${stderr}`;
}
