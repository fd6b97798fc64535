/**
 * The demo that `npm start` runs: a hello-world origin and the gateway in front of it, from a resources file or (`--etcd`) from an
 * etcd of its own. Ctrl-C stops all of it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Child, findProgram, start, stopAll } from "./quickstart/children.ts";
import { startOrigin } from "./quickstart/origin.ts";
import { refuseTaken, waitFor } from "./quickstart/ports.ts";
import { ROOT } from "./root.ts";

const HELP =
  `npm start -- [--runtime bun|deno] [--listen HOST:PORT] [--control HOST:PORT] [--origin PORT] [--resources FILE]
npm run start:etcd -- [--runtime bun|deno] [--listen HOST:PORT] [--control HOST:PORT] [--origin PORT] [--etcd-port PORT]`;

const { values } = parseArgs({
  options: {
    etcd: { type: "boolean", default: false },
    "etcd-port": { type: "string", default: "2379" },
    runtime: { type: "string", default: "bun" },
    listen: { type: "string", default: "127.0.0.1:9080" },
    control: { type: "string", default: "127.0.0.1:9090" },
    origin: { type: "string", default: "6699" },
    resources: { type: "string", default: "examples/quickstart/resources.yaml" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}

const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  bun: ["bun", "src/entries/bun.ts"],
  deno: ["deno", "run", "-A", "src/entries/deno.ts"],
};

/** Ends the demo with a reason that a reader can act on. */
async function give(up: string): Promise<never> {
  console.error(up);
  await stopAll();
  process.exit(1);
}

async function startEtcd(port: number): Promise<Child> {
  const etcd = findProgram("etcd");
  if (etcd === undefined) {
    return await give(
      "etcd is not on PATH. Install it (Debian, Ubuntu: apt-get install etcd-server etcd-client; macOS: brew install " +
        "etcd), or run `npm start`, which needs none.",
    );
  }
  const data = mkdtempSync(join(tmpdir(), "gatewatch-etcd-"));
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${port + 1}`];
  const child = start("etcd", etcd, [
    ...["--data-dir", data, "--listen-client-urls", client, "--advertise-client-urls", client],
    ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", `default=${peer}`],
  ], { cwd: ROOT, quiet: true, ended: () => rmSync(data, { recursive: true, force: true }) });
  await waitFor(`${client}/health`, child);
  return child;
}

async function main(): Promise<void> {
  const command = COMMANDS[values.runtime];
  if (command === undefined) return await give(`--runtime must be bun or deno, not "${values.runtime}"\n${HELP}`);
  const etcdPort = Number(values["etcd-port"]);
  const taken = await refuseTaken([
    { what: "the gateway", address: values.listen, flag: "--listen HOST:PORT" },
    { what: "the control API", address: values.control, flag: "--control HOST:PORT" },
    { what: "the hello-world origin", address: `127.0.0.1:${values.origin}`, flag: "--origin PORT" },
    ...(values.etcd
      ? [
        { what: "etcd", address: `127.0.0.1:${etcdPort}`, flag: "--etcd-port PORT" },
        { what: "etcd's peers", address: `127.0.0.1:${etcdPort + 1}`, flag: "--etcd-port PORT" },
      ]
      : []),
  ], values.etcd ? "npm run start:etcd" : "npm start");
  if (taken !== undefined) return await give(taken);

  await startOrigin(Number(values.origin));
  const where = values.etcd
    ? [
      "--etcd",
      `http://127.0.0.1:${etcdPort}`,
      "--prefix",
      "/gatewatch",
      "--log-level",
      "warning",
      "--access-log",
      "all",
    ]
    : ["--config", "examples/quickstart/gatewatch.yaml", "--resources", values.resources];
  if (values.etcd) await startEtcd(etcdPort);
  const [program = "", ...args] = command;
  const gateway = start("gatewatch", join(ROOT, "node_modules/.bin", program), [
    ...args,
    ...["run", ...where, "--listen", values.listen, "--control", values.control, "--log-format", "text"],
  ], { cwd: ROOT });
  await waitFor(`http://${values.control}/ready`, gateway);

  console.log(`
gatewatch runs on ${values.runtime === "bun" ? "Bun" : "Deno"}.

  gateway  http://${values.listen}
  status   http://${values.control}/status
  origin   http://127.0.0.1:${values.origin}, which says HelloWorld
${values.etcd ? etcdHints(etcdPort) : fileHints()}
Stop all of it with Ctrl-C.
`);
  const status = await gateway.exited;
  await stopAll();
  process.exitCode = status ?? 1;
}

function fileHints(): string {
  return `
Try:   curl -i http://${values.listen}/hello
Edit:  ${values.resources}
       What you save is served at once: change "uri: /hello" to "uri: /bye", and try both.
`;
}

function etcdHints(port: number): string {
  const etcdctl = `ETCDCTL_API=3 etcdctl --endpoints http://127.0.0.1:${port}`;
  return `
Try:   curl -i http://${values.listen}/aa/d
       It is 404, as there is no route yet. Make one that takes all, and try again:
       ${etcdctl} put /gatewatch/node '{"host":"127.0.0.1","port":${values.origin}}'
       Take it away again:
       ${etcdctl} del /gatewatch/node
       A route of its own:
       ${etcdctl} put /gatewatch/routes/1 '{"uri":"/hello","upstream":{"type":"roundrobin","nodes":{"127.0.0.1:${values.origin}":1}}}'
`;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    void stopAll().then(() => process.exit(0));
  });
}
process.on("exit", () => void stopAll());

// npm passes SIGTERM to its shell, which passes it on to nobody: when that is gone, so is who wanted the demo.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) void stopAll().then(() => process.exit(0));
}, 250).unref();

try {
  await main();
} catch (error) {
  await give(error instanceof Error ? error.message : String(error));
}
