/**
 * How long a gateway takes from the start of its process to its first answer by a route that it read from etcd.
 *
 *     node bench/start.ts [--subject bun,deno,executable] [--carrier grpc,json] [--routes 100] [--runs 11] [--settle 0]
 *
 * The executable is the one of `npm run compile`, which is run first; `node` is another subject. A request is asked again and again, from the start on, until the
 * answer is the node's. Subjects take turns; medians are printed. Beside them stands what the runtime takes to run an empty file, and the memory (RSS) that the
 * process has `--settle` seconds later.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startEtcd } from "./support/etcd.ts";
import { median } from "./support/load.ts";
import { freePort, scratch, startNginx, stopAll } from "./support/processes.ts";

const { values } = parseArgs({
  options: {
    subject: { type: "string", default: "bun,deno,executable" },
    carrier: { type: "string", default: "grpc,json" },
    routes: { type: "string", default: "100" },
    runs: { type: "string", default: "11" },
    settle: { type: "string", default: "0" },
  },
});
const root = join(import.meta.dirname ?? "", "..");
const bin = join(root, "node_modules/.bin");
const executable = join(root, "build/gatewatch");
/** What starts the gateway, and what starts nothing. */
const SUBJECTS: Readonly<Record<string, { readonly run: readonly string[]; readonly empty: readonly string[] }>> = {
  bun: { run: [join(bin, "bun"), "run", "src/entries/bun.ts"], empty: [join(bin, "bun"), "run"] },
  deno: { run: [join(bin, "deno"), "run", "-A", "src/entries/deno.ts"], empty: [join(bin, "deno"), "run", "-A"] },
  node: { run: [join(bin, "node"), "dist/entries/node.js"], empty: [join(bin, "node")] },
  executable: { run: [executable], empty: [executable, "--version"] },
};
/** A start that takes longer has failed. */
const LIMIT_MS = 20_000;

/** What one start took, in milliseconds from the start of the process. */
interface Start {
  /** Until somebody accepted a connection. */
  readonly listening: number;
  /** Until the first answer came that was the node's. */
  readonly served: number;
  /** MiB, once it has settled. */
  readonly rss: number;
}

async function startOnce(command: readonly string[], etcd: string, carrier: string): Promise<Start> {
  const [port, control] = [await freePort(), await freePort()];
  const [program = "", ...args] = command;
  const flags = [
    ...["run", "--etcd", etcd, "--etcd-transport", carrier, "--listen", `127.0.0.1:${port}`],
    ...["--control", `127.0.0.1:${control}`, "--access-log", "off", "--log-level", "warning", "--no-register"],
  ];
  const begun = performance.now();
  const child = spawn(program, [...args, ...flags], { cwd: root, stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr.on("data", (chunk: Uint8Array) => void (output += String(chunk).slice(0, 2000)));
  const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  try {
    let listening: number | undefined;
    for (;;) {
      const status = await ask(port);
      const now = performance.now() - begun;
      if (status !== undefined) listening ??= now;
      if (status === 200 && listening !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, Number(values.settle) * 1000));
        return { listening, served: now, rss: rssOf(child.pid!) };
      }
      if (now > LIMIT_MS || child.exitCode !== null) throw new Error(`${command.join(" ")} does not serve: ${output}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    kill();
    process.off("exit", kill);
    await gone;
  }
}

function rssOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

/** The status of one answer, over a connection of its own; undefined where nobody listens. */
function ask(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write("GET /r/7/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    });
    socket.once("data", (chunk) => {
      resolve(Number(String(chunk).slice(9, 12)));
      socket.destroy();
    }).once("error", () => resolve(undefined)).once("close", () => resolve(undefined));
  });
}

/** Milliseconds until a program has ended. */
function empty(command: readonly string[], file: string): Promise<number> {
  const [program = "", ...args] = command;
  const begun = performance.now();
  const child: ChildProcess = spawn(program, args.includes("--version") ? args : [...args, file], { stdio: "ignore" });
  return new Promise((resolve, reject) => {
    child.once("error", reject).once("exit", (code) => {
      if (code === 0) resolve(performance.now() - begun);
      else reject(new Error(`${command.join(" ")} ended with ${code}`));
    });
  });
}

try {
  const subjects = values.subject.split(",");
  for (const name of subjects) {
    if (SUBJECTS[name] === undefined) throw new Error(`Unknown subject '${name}': ${Object.keys(SUBJECTS).join(", ")}`);
  }
  if (subjects.includes("executable")) run(join(bin, "bun"), "scripts/compile.ts");
  if (subjects.includes("node")) run(join(bin, "node"), "scripts/build.ts");
  const file = join(scratch(), "empty.ts");
  writeFileSync(file, "");
  const origin = await freePort();
  await startNginx(origin);
  const etcd = await startEtcd();
  await etcd.put(routes(Number(values.routes), `127.0.0.1:${origin}`));
  console.log("subject     carrier  listening ms  served ms  (min to max)     empty file ms  RSS MB");
  const cases = subjects.flatMap((name) => values.carrier.split(",").map((carrier) => ({ name, carrier })));
  const found = cases.map(() => ({ starts: [] as Start[], empty: [] as number[] }));
  for (let round = 0; round <= Number(values.runs); round++) {
    for (const [index, { name, carrier }] of cases.entries()) {
      const subject = SUBJECTS[name]!;
      const started = await startOnce(subject.run, etcd.url, carrier);
      const bare = await empty(subject.empty, file);
      // The first round fills the caches of the disk and of the runtimes.
      if (round === 0) continue;
      found[index]!.starts.push(started);
      found[index]!.empty.push(bare);
    }
  }
  for (const [index, { name, carrier }] of cases.entries()) {
    const { starts, empty } = found[index]!;
    const served = starts.map((start) => start.served);
    const span = `(${Math.min(...served).toFixed(0)} to ${Math.max(...served).toFixed(0)})`;
    console.log(
      name.padEnd(12) + carrier.padEnd(7) + median(starts.map((start) => start.listening)).toFixed(0).padStart(14) +
        median(served).toFixed(0).padStart(11) + `  ${span.padEnd(15)}` + median(empty).toFixed(0).padStart(15) +
        median(starts.map((start) => start.rss)).toFixed(0).padStart(8),
    );
  }
} finally {
  stopAll();
}

function run(...[command = "", ...args]: readonly string[]): void {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${status}`);
}

function* routes(count: number, node: string): Generator<readonly [string, object]> {
  yield ["/gatewatch/upstreams/1", { nodes: { [node]: 1 } }];
  for (let i = 0; i < count; i++) yield [`/gatewatch/routes/r${i}`, { uri: `/r/${i}/*`, upstream_id: "1" }];
}
