import type { RedisConnection, RedisScript } from "../../pipeline/redis.ts";

/** One request among those of its key that are under way. */
export interface Place {
  /** How many of the key are under way, with this one. */
  readonly count: number;
  /** Says that it is over. Never throws; what fails to be told elsewhere ends by itself. */
  leave(): void;
}

/** Counts requests under way, by key. */
export interface Connections {
  /**
   * Takes a place for one request.
   *
   * @param room How many may be under way.
   * @returns undefined where there is no place. A promise that rejects where that cannot be told, for counters elsewhere.
   */
  enter(key: string, room: number): Place | undefined | Promise<Place | undefined>;
}

/** Counts in this process. */
export interface LocalConnections extends Connections {
  enter(key: string, room: number): Place | undefined;
  /** Keys that are kept: those that have a request under way. */
  readonly size: number;
}

/** Makes a count of this process. */
export function createLocalConnections(): LocalConnections {
  const counts = new Map<string, number>();
  return {
    get size() {
      return counts.size;
    },
    enter(key, room) {
      const count = (counts.get(key) ?? 0) + 1;
      if (count > room) return undefined;
      counts.set(key, count);
      return {
        count,
        leave() {
          const left = counts.get(key)! - 1;
          if (left === 0) counts.delete(key);
          else counts.set(key, left);
        },
      };
    },
  };
}

/**
 * Key: a set of requests, scored by when they are given up, so that those of a gateway that died do not count for ever. Arguments: the room, seconds
 * to keep a request, its name. Returns whether there was a place, and how many are under way.
 */
const ENTER: RedisScript = {
  source: `
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local count = redis.call('ZCARD', KEYS[1])
if count >= tonumber(ARGV[1]) then
  return {0, count}
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[2]), ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[2])
return {1, count + 1}`,
};

/** Key: the same set. Argument: the request's name. */
const LEAVE: RedisScript = { source: `return redis.call('ZREM', KEYS[1], ARGV[1])` };

/**
 * Counts in Redis: one script a request, which Redis runs as one step.
 *
 * @param ttl Seconds after which a request that never ended is forgotten.
 */
export function createRedisConnections(connection: RedisConnection, prefix: string, ttl: number): Connections {
  return {
    async enter(key, room) {
      const name = crypto.randomUUID();
      const leave = (): void => void connection.run(LEAVE, prefix + key, [name]).catch(() => {});
      let reply: unknown;
      try {
        reply = await connection.run(ENTER, prefix + key, [room, ttl, name]);
      } catch (error) {
        // It may have run, though nobody was told.
        leave();
        throw error;
      }
      if (!Array.isArray(reply) || reply.length !== 2 || typeof reply[1] !== "number") {
        throw new Error("Cannot count as Redis's answer must be the script's");
      }
      if (reply[0] !== 1) return undefined;
      return { count: reply[1], leave };
    },
  };
}
