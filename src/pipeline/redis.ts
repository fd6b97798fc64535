/** Where a Redis server is and how to log in; fields and their meaning are those of Apache APISIX's `redis_*` options. */
export interface RedisTarget {
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  /** A secret: never in a message, a log or a status. */
  readonly password?: string;
  /** Number of the logical database. */
  readonly database: number;
  /** Milliseconds for one script, connecting included. */
  readonly timeout: number;
  /** Whether to speak TLS. */
  readonly tls: boolean;
  /** Whether the server's certificate must be valid for its name. */
  readonly verify: boolean;
}

/** A script in Redis's Lua. One object for each script, made once: connections know by it what the server has. */
export interface RedisScript {
  readonly source: string;
}

/** Runs scripts on one Redis server; connects when needed, and again after it was lost. */
export interface RedisConnection {
  /**
   * Runs a script, which Redis does as one step, with one key.
   *
   * @returns What the script returned; integers as numbers, texts as strings.
   * @throws {Error} where there was no answer in time, no connection, or an error of the server. The script may have run nevertheless.
   */
  run(script: RedisScript, key: string, args: readonly (string | number)[]): Promise<unknown>;
  /** Lets go of the connection once nothing waits for an answer. Calls that come later connect for themselves. */
  close(): void;
}

/** Makes connections to Redis servers; given to the gateway, since it takes a runtime's sockets. Returns at once. */
export type ConnectRedis = (target: RedisTarget) => RedisConnection;

/** Stands in where the gateway was given no {@link ConnectRedis}. */
export const noRedis: ConnectRedis = () => ({
  run: () => Promise.reject(new Error("Cannot reach Redis as the gateway was not given what connects to it")),
  close: () => {},
});
