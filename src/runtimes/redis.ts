import { createHash } from "node:crypto";
import { rootCertificates } from "node:tls";
import type { RedisClientType } from "@redis/client";
import { getLogger } from "@logtape/logtape";
import type { ConnectRedis, RedisConnection, RedisScript, RedisTarget } from "../pipeline/redis.ts";

/** What {@link createRedisConnector} takes. */
export interface RedisConnectorOptions {
  /** PEM of authorities that servers' certificates may come from, besides the system's. */
  readonly ca?: string;
}

/**
 * Makes what connects plugins to Redis, over the `@redis/client` package on all three runtimes; it is loaded when the first plugin asks for a
 * connection. Each target has one connection, on which scripts follow one another without waiting.
 *
 * @example
 * ```ts
 * const gateway = createGateway({ source, redis: createRedisConnector() });
 * ```
 */
export function createRedisConnector(options: RedisConnectorOptions = {}): ConnectRedis {
  return (target) => new Connection(target, options);
}

type Client = RedisClientType<Record<never, never>, Record<never, never>, Record<never, never>, 2>;

/** A client, or one that is being connected. */
interface Link {
  client: Client | undefined;
  readonly ready: Promise<Client>;
}

/** Milliseconds without a new try after one that failed; doubled with each further one. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

/** Scripts that may wait for an answer on one connection; more than a server that is well could be behind with. */
const MAX_WAITING = 10_000;

const log = getLogger(["gatewatch", "redis"]);

class Connection implements RedisConnection {
  readonly #target: RedisTarget;
  readonly #options: RedisConnectorOptions;
  #link: Link | undefined;
  #waiting = 0;
  #closed = false;
  /** What the last try failed with, how many did in a row, and until when there is no other. */
  #failure: Error | undefined;
  #failures = 0;
  #pausedUntil = 0;

  constructor(target: RedisTarget, options: RedisConnectorOptions) {
    this.#target = target;
    this.#options = options;
    // So that the first request need not wait, and a wrong address shows when it is configured.
    this.#open().ready.catch(() => {});
  }

  async run(script: RedisScript, key: string, args: readonly (string | number)[]): Promise<unknown> {
    this.#waiting++;
    try {
      const reply = await this.#within(async (client) => await evaluate(client, script, key, args.map(String)));
      this.#succeeded();
      return reply;
    } finally {
      this.#waiting--;
      this.#endWhenIdle();
    }
  }

  close(): void {
    this.#closed = true;
    this.#endWhenIdle();
  }

  /** Bounds connecting and asking together. A server that is late is asked on a new connection next: the old one may hang. */
  async #within(ask: (client: Client) => Promise<unknown>): Promise<unknown> {
    if (this.#link === undefined && performance.now() < this.#pausedUntil) {
      throw this.#failure ?? new Error("Not connected");
    }
    const link = this.#link ?? this.#open();
    const { timeout } = this.#target;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`No answer from Redis within ${timeout} ms`)), timeout);
    });
    try {
      return await Promise.race([link.ready.then(ask), late]);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      // An error that the server itself answers with says nothing against the connection.
      if (isReply(reason)) this.#told(reason);
      else this.#drop(link, reason);
      throw reason;
    } finally {
      clearTimeout(timer);
    }
  }

  #open(): Link {
    const link: Link = { client: undefined, ready: this.#connect(() => link) };
    // Whoever waits for it hears of a failure; nobody need wait.
    link.ready.catch((error: Error) => this.#drop(link, error));
    return this.#link = link;
  }

  async #connect(link: () => Link): Promise<Client> {
    const { createClient } = await import("@redis/client");
    const { host, port, username, password, database, timeout, tls, verify } = this.#target;
    const { ca } = this.#options;
    const client = createClient({
      RESP: 2,
      database,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      socket: {
        host,
        port,
        connectTimeout: timeout,
        reconnectStrategy: false,
        ...(tls
          ? {
            tls: true,
            rejectUnauthorized: verify,
            ...(isName(host) ? { servername: host } : {}),
            ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }),
          }
          : {}),
      },
      commandsQueueMaxLength: MAX_WAITING,
      disableOfflineQueue: true,
      disableClientInfo: true,
      maintNotifications: "disabled",
    }) as Client;
    const own = link();
    if (this.#link !== own) throw new Error("Given up while the client was loaded");
    own.client = client;
    let connected = false;
    // Lost between two requests, as when the server closes idle connections: the next one connects anew.
    client.on("error", () => {
      if (connected && this.#link === own && !client.isOpen) this.#link = undefined;
    });
    await client.connect();
    connected = true;
    // Given up meanwhile.
    if (this.#link !== own) end(client);
    return client;
  }

  #drop(link: Link, reason: Error): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    end(link.client);
    this.#pausedUntil = performance.now() + Math.min(FIRST_PAUSE * 2 ** this.#failures++, LONGEST_PAUSE);
    this.#told(reason);
  }

  /** Says once that it fails, until it is well again: there may be thousands of requests a second. */
  #told(reason: Error): void {
    const { host, port } = this.#target;
    if (this.#failure === undefined) {
      log.error("Redis at {host}:{port} fails: {reason}", { host, port, reason: reason.message });
    }
    this.#failure = reason;
  }

  #succeeded(): void {
    if (this.#failure === undefined) return;
    this.#failure = undefined;
    this.#failures = 0;
    this.#pausedUntil = 0;
    const { host, port } = this.#target;
    log.info("Redis at {host}:{port} answers again", { host, port });
  }

  #endWhenIdle(): void {
    if (!this.#closed || this.#waiting > 0 || this.#link === undefined) return;
    const link = this.#link;
    this.#link = undefined;
    end(link.client);
  }
}

/** Whether it is connected, connecting, or has ended by itself. */
function end(client: Client | undefined): void {
  try {
    client?.destroy();
  } catch {
    // It had ended.
  }
}

/** Digests of scripts, by which a server knows those that it has run. */
const digests = new WeakMap<RedisScript, string>();

async function evaluate(client: Client, script: RedisScript, key: string, args: readonly string[]): Promise<unknown> {
  let digest = digests.get(script);
  if (digest === undefined) {
    digest = createHash("sha1").update(script.source).digest("hex");
    digests.set(script, digest);
  }
  try {
    return await client.sendCommand(["EVALSHA", digest, "1", key, ...args]);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
    return await client.sendCommand(["EVAL", script.source, "1", key, ...args]);
  }
}

/** Whether the server itself answered with this error: its text begins with a word in capitals (Redis protocol, RESP errors). */
function isReply(error: Error): boolean {
  return /^[A-Z]{2,}(?: |$)/.test(error.message) && !("code" in error);
}

/** A name, and no address: what TLS names a server by (RFC 6066 section 3). */
function isName(host: string): boolean {
  return !/^[\d.]+$/.test(host) && !host.includes(":");
}
