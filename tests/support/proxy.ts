import { connect, createServer, type Server, type Socket } from "node:net";

/** What happens to new connections: passed on, refused by the system, or accepted and never answered. */
export type ProxyMode = "pass" | "refuse" | "blackhole";

/** Where a proxy sends what it accepts. */
export interface ProxyTarget {
  readonly host: string;
  readonly port: number;
}

interface Pair {
  readonly down: Socket;
  readonly up: Socket | undefined;
  silent: boolean;
  sent: number;
}

/**
 * A TCP proxy between a test and a server, whose faults the test switches on and off.
 *
 * @example
 * ```ts
 * const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
 * proxy.cut(); // every open connection is reset
 * await proxy.setMode("refuse"); // and no new one is accepted
 * ```
 */
export class Proxy {
  /** Where new connections go. */
  target: ProxyTarget;
  /** Bytes per second towards the client, over all connections; 0 = no limit. */
  throttle = 0;
  /** A connection is reset after that many bytes towards the client; 0 = never. */
  downLimit = 0;
  /** Connections that were accepted since the start. */
  accepted = 0;
  /** Bytes that went towards the client, over all connections. */
  bytesDown = 0;

  readonly host = "127.0.0.1";
  #port = 0;
  #mode: ProxyMode = "pass";
  #server: Server | undefined;
  readonly #pairs = new Set<Pair>();

  constructor(target: ProxyTarget) {
    this.target = target;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://${this.host}:${this.#port}`;
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  /** Open connections of clients. */
  get open(): number {
    return this.#pairs.size;
  }

  /** Applies to new connections; open ones go on as they were. */
  async setMode(mode: ProxyMode): Promise<void> {
    this.#mode = mode;
    if (mode === "refuse") await this.#unlisten();
    else await this.listen();
  }

  /** Resets every open connection, on both sides. Returns how many. */
  cut(): number {
    const count = this.#pairs.size;
    for (const pair of [...this.#pairs]) this.#drop(pair);
    return count;
  }

  /** Open connections stay open, and nothing passes any more in either direction. */
  blackholeExisting(): void {
    for (const pair of this.#pairs) {
      pair.silent = true;
      pair.down.resume();
      pair.up?.resume();
    }
  }

  async listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true }, (down) => this.#accept(down));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(this.#port, this.host, () => resolve());
    });
    const address = server.address();
    if (address !== null && typeof address === "object") this.#port = address.port;
  }

  async close(): Promise<void> {
    this.cut();
    await this.#unlisten();
    this.cut();
  }

  async #unlisten(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    // Resolves when the open connections are gone too, which is not what is waited for here: the port is free at once.
    server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  #accept(down: Socket): void {
    this.accepted++;
    const silent = this.#mode === "blackhole";
    const up = silent ? undefined : connect(this.target.port, this.target.host);
    const pair: Pair = { down, up, silent, sent: 0 };
    this.#pairs.add(pair);
    down.setNoDelay(true);
    up?.setNoDelay(true);
    down.on("error", () => this.#drop(pair));
    up?.on("error", () => this.#drop(pair));
    down.on("close", () => this.#drop(pair));
    up?.on("close", () => this.#drop(pair));
    down.on("end", () => pair.silent ? undefined : up?.end());
    up?.on("end", () => pair.silent ? undefined : down.end());
    down.on("data", (data: Uint8Array) => {
      if (!pair.silent) up?.write(data);
    });
    up?.on("data", (data: Uint8Array) => this.#send(pair, data));
  }

  #send(pair: Pair, data: Uint8Array): void {
    if (pair.silent) return;
    let part = data;
    if (this.downLimit > 0 && pair.sent + part.length > this.downLimit) {
      part = part.subarray(0, this.downLimit - pair.sent);
    }
    pair.sent += part.length;
    this.bytesDown += part.length;
    const cut = this.downLimit > 0 && pair.sent >= this.downLimit;
    if (part.length > 0) pair.down.write(part, () => cut && this.#drop(pair));
    else if (cut) this.#drop(pair);
    if (this.throttle > 0) {
      pair.up?.pause();
      setTimeout(() => pair.up?.resume(), (part.length / this.throttle) * 1000);
    } else if (pair.down.writableLength > 1 << 20) {
      pair.up?.pause();
      pair.down.once("drain", () => pair.up?.resume());
    }
  }

  #drop(pair: Pair): void {
    if (!this.#pairs.delete(pair)) return;
    pair.down.resetAndDestroy();
    pair.up?.resetAndDestroy();
  }
}

/** Starts a proxy on a free port of 127.0.0.1. */
export async function startProxy(target: ProxyTarget): Promise<Proxy> {
  const proxy = new Proxy(target);
  await proxy.listen();
  return proxy;
}
