import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Pool } from "undici7";
import { until } from "./until.ts";

/** How to start an etcd; all files are paths. */
export interface EtcdOptions {
  /** Serves TLS with this certificate; with `ca`, clients must show one that it signed. `client` is what the test itself shows. */
  readonly tls?: {
    readonly cert: string;
    readonly key: string;
    readonly ca?: string;
    readonly client?: { readonly cert: string; readonly key: string };
  };
  /** Name or address in the URL that clients use. Default `127.0.0.1`. */
  readonly name?: string;
  /** Seconds after which an unused token of a logged in user ends. etcd's default is 300. */
  readonly tokenTtl?: number;
  /** Size of the store at which writes are refused. */
  readonly quotaBytes?: number;
  /** Further flags. */
  readonly flags?: readonly string[];
}

/** One operation of a transaction: a put, or a delete where `value` is undefined. */
export interface EtcdWrite {
  readonly key: string | Uint8Array;
  readonly value?: string | Uint8Array | undefined;
  /** Lease that the key ends with. */
  readonly lease?: string;
}

/** Who the test's own calls are made as. */
export interface EtcdUser {
  readonly user: string;
  readonly password: string;
}

type Json = Record<string, unknown>;

const children = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of children) {
    signal(child, "SIGCONT");
    signal(child, "SIGKILL");
  }
});

/** Not `child.kill()`: on Deno a child that was sent one signal is told no other. */
function signal(child: ChildProcess | undefined, name: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(child.pid, name);
  } catch {
    // It has ended already.
  }
}

const toBytes = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text;
const toBase64 = (text: string | Uint8Array): string => Buffer.from(toBytes(text)).toString("base64");

/** What follows every key that starts with `prefix`. */
function prefixEnd(prefix: string): Uint8Array {
  const end = new TextEncoder().encode(prefix);
  const last = end.length - 1;
  end[last] = (end[last] ?? 0) + 1;
  return end;
}

/** From below the ports that the system gives to whoever asks for any: between being found free and being bound, nobody else gets one of these by chance. */
const FIRST_PORT = 12_000, LAST_PORT = 32_000;
const handedOut = new Set<number>();

/** Ports on which nothing listens. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (handedOut.has(port) || !await canBind(port)) continue;
    handedOut.add(port);
    ports.push(port);
  }
  return ports;
}

function canBind(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** What a member is told of itself and its cluster. */
interface Member {
  readonly id: string;
  readonly port: number;
  readonly peer: number;
  readonly cluster: string;
  readonly token: string;
}

/**
 * A real etcd with a data directory of its own, which the test stops, freezes, wipes and starts again.
 *
 * @example
 * ```ts
 * const etcd = await startEtcd();
 * await etcd.put("/gatewatch/node", '{"host":"127.0.0.1","port":6699}');
 * await etcd.stop("kill");
 * await etcd.start(); // on the same port, with the same data
 * await etcd.close();
 * ```
 */
export class EtcdServer {
  readonly #options: EtcdOptions;
  readonly #member: Member;
  #directory: string;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #pool: Pool | undefined;
  #token: string | undefined;
  /** What the process wrote last, for the message when it does not come up. */
  #output = "";

  constructor(options: EtcdOptions, member: Member, directory: string) {
    this.#options = options;
    this.#member = member;
    this.#directory = directory;
  }

  get host(): string {
    return this.#options.name ?? "127.0.0.1";
  }

  get port(): number {
    return this.#member.port;
  }

  get url(): string {
    return `${this.#options.tls ? "https" : "http"}://${this.host}:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  /** Where the data is; another after {@link EtcdServer.wipe} and {@link EtcdServer.restore}. */
  get directory(): string {
    return this.#directory;
  }

  /** Starts the process, on the ports of the first start, and waits until it answers. `wait: false` returns at once. */
  async start(options: { readonly wait?: boolean } = {}): Promise<void> {
    if (this.#child) throw new Error("Cannot start etcd: it runs already");
    const { tls, tokenTtl, quotaBytes, flags = [] } = this.#options;
    const { id, port, peer, cluster, token } = this.#member;
    const scheme = tls ? "https" : "http";
    const child = spawn("etcd", [
      ...["--name", id, "--data-dir", this.#directory],
      ...["--listen-client-urls", `${scheme}://127.0.0.1:${port}`],
      ...["--advertise-client-urls", this.url],
      ...["--listen-peer-urls", `http://127.0.0.1:${peer}`],
      ...["--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`],
      ...["--initial-cluster", cluster, "--initial-cluster-token", token],
      ...(tls ? ["--cert-file", tls.cert, "--key-file", tls.key] : []),
      ...(tls?.ca ? ["--trusted-ca-file", tls.ca, "--client-cert-auth"] : []),
      ...(tokenTtl === undefined ? [] : ["--auth-token-ttl", String(tokenTtl)]),
      ...(quotaBytes === undefined ? [] : ["--quota-backend-bytes", String(quotaBytes)]),
      ...flags,
    ], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    this.#output = "";
    children.add(child);
    child.stderr?.on("data", (data: Uint8Array) => {
      this.#output = (this.#output + Buffer.from(data).toString()).slice(-2000);
    });
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => {
        children.delete(child);
        if (this.#child === child) this.#child = undefined;
        resolve();
      });
    });
    if (options.wait !== false) await this.ready();
  }

  /** Waits until the member answers and has a leader. */
  async ready(limit = 20_000): Promise<void> {
    try {
      await until(async () => {
        if (!this.#child) throw new Error(`etcd ended: ${this.#output}`);
        return (await this.#status("/health")).includes("true");
      }, { limit, every: 20, what: `etcd at ${this.url} is healthy` });
    } catch (error) {
      throw new Error(`${String(error)}\n${this.#output}`);
    }
  }

  /** Ends the process and waits for its end: `graceful` by SIGTERM (etcd says goodbye to its clients), `kill` by SIGKILL. */
  async stop(how: "graceful" | "kill" = "graceful"): Promise<void> {
    const child = this.#child;
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
    if (!child) return;
    signal(child, how === "kill" ? "SIGKILL" : "SIGTERM");
    await this.#exited;
  }

  /** Freezes the process (SIGSTOP): connections stay open, nothing is answered. */
  pause(): void {
    signal(this.#child, "SIGSTOP");
  }

  resume(): void {
    signal(this.#child, "SIGCONT");
  }

  /** Stops the process and forgets its data; {@link EtcdServer.start} then begins at revision 1 with the same cluster id. */
  async wipe(): Promise<void> {
    await this.stop("kill");
    await rm(this.#directory, { recursive: true, force: true });
    this.#token = undefined;
  }

  /** Stops the process and takes the content of a file that `etcdctl snapshot save` wrote. */
  async restore(file: string): Promise<void> {
    await this.wipe();
    const { id, peer, cluster, token } = this.#member;
    await run("etcdctl", [
      ...["snapshot", "restore", file, "--data-dir", this.#directory, "--name", id],
      ...["--initial-cluster", cluster, "--initial-cluster-token", token],
      ...["--initial-advertise-peer-urls", `http://127.0.0.1:${peer}`],
    ]);
  }

  /** Ends the process and removes its data. */
  async close(): Promise<void> {
    this.resume();
    await this.stop("kill");
    await rm(this.#directory, { recursive: true, force: true });
  }

  /** Logs the test's own calls in, from now on. */
  async login(user: EtcdUser | undefined): Promise<void> {
    this.#token = undefined;
    if (!user) return;
    const answer = await this.call("/v3/auth/authenticate", { name: user.user, password: user.password });
    this.#token = String(answer["token"]);
  }

  /** Puts one key; resolves to the revision. */
  put(key: string | Uint8Array, value: string | Uint8Array, lease?: string): Promise<number> {
    return this.#write("/v3/kv/put", { key: toBase64(key), value: toBase64(value), ...(lease ? { lease } : {}) });
  }

  /** Deletes one key, or every key that starts with it; resolves to the revision. */
  del(key: string, options: { readonly prefix?: boolean } = {}): Promise<number> {
    const end = options.prefix ? { range_end: toBase64(prefixEnd(key)) } : {};
    return this.#write("/v3/kv/deleterange", { key: toBase64(key), ...end });
  }

  /** All writes in one revision; resolves to it. At most 128, which is etcd's limit. */
  txn(writes: readonly EtcdWrite[]): Promise<number> {
    const success = writes.map(({ key, value, lease }) =>
      value === undefined
        ? { request_delete_range: { key: toBase64(key) } }
        : { request_put: { key: toBase64(key), value: toBase64(value), ...(lease ? { lease } : {}) } }
    );
    return this.#write("/v3/kv/txn", { success });
  }

  /** Every key under a prefix with its value, as text. */
  async all(prefix: string): Promise<Map<string, string>> {
    const answer = await this.call("/v3/kv/range", { key: toBase64(prefix), range_end: toBase64(prefixEnd(prefix)) });
    const kvs = (answer["kvs"] ?? []) as readonly { readonly key: string; readonly value?: string }[];
    const text = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64").toString();
    return new Map(kvs.map(({ key, value }) => [text(key), text(value)]));
  }

  /** The store's revision. */
  revision(): Promise<number> {
    return this.#write("/v3/kv/range", { key: "AA==" });
  }

  /** Forgets the history before `revision` (default: now). */
  async compact(revision?: number): Promise<void> {
    await this.call("/v3/kv/compaction", { revision: String(revision ?? await this.revision()), physical: true });
  }

  /** Grants a lease; resolves to its id. */
  async lease(seconds: number): Promise<string> {
    return String((await this.call("/v3/lease/grant", { TTL: String(seconds) }))["ID"]);
  }

  /** Number of open watchers, by etcd's own metric. */
  async watchers(): Promise<number> {
    const text = await this.#status("/metrics");
    return Number(/^etcd_debugging_mvcc_watcher_total (\S+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  /** A value of etcd's own metrics, summed over its labels. */
  async metric(name: string, label = ""): Promise<number> {
    const lines = (await this.#status("/metrics")).split("\n");
    return lines.filter((line) =>
      line.startsWith(name) && /^[ {]/.test(line.slice(name.length)) && line.includes(label)
    )
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** One call of the JSON gateway. @throws Error with etcd's message where it refuses. */
  async call(path: string, body: Json): Promise<Json> {
    const response = await (await this.#client()).request({
      path,
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...(this.#token ? { authorization: this.#token } : {}) },
      headersTimeout: 30_000,
    });
    const answer = await response.body.json() as Json;
    if (response.statusCode !== 200) throw new Error(`${path}: ${String(answer["error"] ?? response.statusCode)}`);
    return answer;
  }

  /** Runs etcdctl against this member. */
  etcdctl(...parameters: readonly string[]): Promise<string> {
    const { tls } = this.#options;
    return run("etcdctl", [
      ...["--endpoints", this.url],
      ...(tls?.ca ? ["--cacert", tls.ca] : []),
      ...(tls?.client ? ["--cert", tls.client.cert, "--key", tls.client.key] : []),
      ...parameters,
    ]);
  }

  /**
   * Users and roles: each user gets a role of its own name with read rights under the prefixes (`root` gets all), then
   * authentication is switched on. The test's own calls go on as root.
   */
  async enableAuth(
    users: Readonly<Record<string, { password: string; read?: string; write?: string }>>,
  ): Promise<void> {
    for (const [name, { password, read, write }] of Object.entries(users)) {
      await this.call("/v3/auth/user/add", { name, password });
      await this.call("/v3/auth/role/add", { name });
      if (read !== undefined) await this.grant(name, read, "READ");
      if (write !== undefined) await this.grant(name, write, "READWRITE");
      await this.call("/v3/auth/user/grant", { user: name, role: name });
    }
    await this.call("/v3/auth/enable", {});
    const root = users["root"];
    if (root) await this.login({ user: "root", password: root.password });
  }

  async grant(role: string, prefix: string, permission: "READ" | "READWRITE"): Promise<void> {
    const perm = { permType: permission, key: toBase64(prefix), range_end: toBase64(prefixEnd(prefix)) };
    await this.call("/v3/auth/role/grant", { name: role, perm });
  }

  async revoke(role: string, prefix: string): Promise<void> {
    const body = { role, key: toBase64(prefix), range_end: toBase64(prefixEnd(prefix)) };
    await this.call("/v3/auth/role/revoke", body);
  }

  async #write(path: string, body: Json): Promise<number> {
    return Number(((await this.call(path, body))["header"] as { readonly revision?: string }).revision);
  }

  async #status(path: string): Promise<string> {
    const response = await (await this.#client()).request({ path, method: "GET", headersTimeout: 2000 });
    return await response.body.text();
  }

  async #client(): Promise<Pool> {
    if (this.#pool) return this.#pool;
    const { tls } = this.#options;
    // The test's own calls are not what is tested: whom it talks to is known.
    const connect = tls
      ? {
        rejectUnauthorized: false,
        ...(tls.client ? { cert: await readFile(tls.client.cert), key: await readFile(tls.client.key) } : {}),
      }
      : {};
    return this.#pool ??= new Pool(`${tls ? "https" : "http"}://127.0.0.1:${this.port}`, { connect });
  }
}

/** Runs a program to its end. @throws Error with what it wrote, where it fails. */
export function run(program: string, parameters: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...parameters], { env: { ...process.env, ETCDCTL_API: "3" } }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${parameters.join(" ")}: ${stderr || error.message}`));
      else resolve(stdout);
    });
  });
}

/** Starts an etcd of one member on free ports of 127.0.0.1. */
export async function startEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const server = await createEtcd(options);
  await server.start();
  return server;
}

/** As {@link startEtcd}, but not started yet: for what happens when etcd is away. */
export async function createEtcd(options: EtcdOptions = {}): Promise<EtcdServer> {
  const [server] = await createMembers(1, options);
  if (!server) throw new Error("unreachable");
  return server;
}

/** Starts a cluster on free ports of 127.0.0.1. */
export async function startCluster(count = 3, options: EtcdOptions = {}): Promise<EtcdServer[]> {
  const members = await createMembers(count, options);
  await Promise.all(members.map((member) => member.start()));
  return members;
}

async function createMembers(count: number, options: EtcdOptions): Promise<EtcdServer[]> {
  const ports = await freePorts(count * 2);
  const ids = Array.from({ length: count }, (_, index) => ({
    id: `m${index}`,
    port: ports[index * 2] ?? 0,
    peer: ports[index * 2 + 1] ?? 0,
  }));
  const cluster = ids.map(({ id, peer }) => `${id}=http://127.0.0.1:${peer}`).join(",");
  const token = `test-${ports.join("-")}`;
  return await Promise.all(ids.map(async (member) => {
    const directory = await mkdtemp(join(tmpdir(), "gatewatch-etcd-"));
    return new EtcdServer(options, { ...member, cluster, token }, directory);
  }));
}
