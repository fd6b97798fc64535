import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a bench started; all of it is stopped by process id, whatever happens. */
const started: ChildProcess[] = [];
const folders: string[] = [];

/** Stops everything that was started. */
export function stopAll(): void {
  // nginx's workers live on, and hold this process's pipes, where their master has no time to end them.
  for (const child of started.splice(0)) child.kill(child.spawnfile === "nginx" ? "SIGTERM" : "SIGKILL");
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

process.on("exit", stopAll);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));

/** A folder of the bench's own, gone when it ends. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), "gatewatch-bench-"));
  folders.push(folder);
  return folder;
}

/** A port that nobody has at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Starts a program and waits until it accepts connections on a port. @throws Error with what it printed, where it does not. */
export async function start(command: string, args: readonly string[], port: number, env: object = {}): Promise<number> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
  started.push(child);
  let output = "", missing = false;
  child.once("error", (error: NodeJS.ErrnoException) => {
    missing = true;
    output = error.code === "ENOENT"
      ? `it is not installed (on Debian: apt-get install ${packageOf(command)})`
      : error.message;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (chunk: Uint8Array) => {
      if (output.length < 20_000) output += String(chunk);
    });
  }
  const end = performance.now() + 15_000;
  while (!(await accepts(port))) {
    if (performance.now() > end || missing || child.exitCode !== null) {
      throw new Error(`${command} did not start: ${output}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return child.pid!;
}

function packageOf(command: string): string {
  return command === "nginx" ? "nginx-light" : command;
}

/** Stops one that was started, and waits until it has gone. */
export async function stop(pid: number): Promise<void> {
  const at = started.findIndex((child) => child.pid === pid);
  const [child] = at < 0 ? [] : started.splice(at, 1);
  if (child === undefined || child.exitCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false)).once(
      "close",
      () => socket.destroy(),
    );
    socket.once("connect", () => socket.destroy());
  });
}

/** CPU time (user and system) of a process and all that it started, in seconds; threads are included. */
export function cpuSeconds(pid: number): number {
  const family = new Set([pid]);
  const stats = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const fields = readFileSync(`/proc/${name}/stat`, "utf8").replace(/^.*\) /s, "").split(" ");
      return [{ pid: Number(name), parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) }];
    } catch {
      return [];
    }
  });
  for (let before = 0; before !== family.size;) {
    before = family.size;
    for (const stat of stats) if (family.has(stat.parent)) family.add(stat.pid);
  }
  return stats.filter((stat) => family.has(stat.pid)).reduce((sum, { ticks }) => sum + ticks, 0) / 100;
}

/** nginx as an origin that answers `HelloWorld`, or in front of one; one worker each. */
export async function startNginx(port: number, origin?: number): Promise<number> {
  const folder = scratch();
  const location = origin === undefined
    ? 'return 200 "HelloWorld";'
    : 'proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";';
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000;
${
      origin === undefined
        ? ""
        : `upstream origin { server 127.0.0.1:${origin}; keepalive 128; keepalive_requests 1000000000; }`
    }
server { listen 127.0.0.1:${port}; location / { ${location} } } }
`,
  );
  return await start("nginx", ["-p", folder, "-c", file], port);
}

/** Other gateways that Debian has, for rows beside gatewatch's. */
export const PEERS = ["haproxy", "caddy"] as const;

/** A peer in front of an origin: one thread, kept connections, no log, as the yardstick. */
export async function startPeer(name: (typeof PEERS)[number], port: number, origin: number): Promise<number> {
  const folder = scratch();
  const file = join(folder, name);
  if (name === "haproxy") {
    writeFileSync(
      file,
      `global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server origin 127.0.0.1:${origin}
`,
    );
    return await start("haproxy", ["-db", "-q", "-f", file], port);
  }
  writeFileSync(
    file,
    `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy 127.0.0.1:${origin} {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
  );
  const env = { GOMAXPROCS: "1", XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  return await start("caddy", ["run", "--config", file, "--adapter", "caddyfile"], port, env);
}
