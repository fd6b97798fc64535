import { type Expiring, ExpiringMap } from "../_limit/expiring-map.ts";
import type { RedisConnection, RedisScript } from "../../pipeline/redis.ts";

/** A bucket that leaks `rate` requests a second and holds `burst`. */
export interface BucketOptions {
  readonly rate: number;
  readonly burst: number;
}

/** Buckets by key. */
export interface Buckets {
  /**
   * Puts one request in.
   *
   * @returns Milliseconds that it should wait to keep the rate, or undefined where the bucket overflows. A promise that rejects where that
   * cannot be told, for buckets elsewhere.
   */
  put(key: string): number | undefined | Promise<number | undefined>;
}

interface Bucket extends Expiring {
  /** Requests above the rate, when the last one came. */
  readonly excess: number;
  readonly at: number;
}

export interface LocalBucketOptions {
  /** Milliseconds from a fixed point, never going back. Default: the runtime's. */
  readonly now?: () => number;
  readonly onFull?: () => void;
  readonly room?: number;
}

/** Buckets of this process; they end once they have leaked, and are bounded in number. */
export interface LocalBuckets extends Buckets {
  put(key: string): number | undefined;
  /** Keys that are kept. */
  readonly size: number;
}

/** Makes buckets of this process (the leaky bucket of lua-resty-limit-traffic, `resty/limit/req.lua`). */
export function createLocalBuckets(
  { rate, burst }: BucketOptions,
  { now: clock = () => performance.now(), onFull, room }: LocalBucketOptions = {},
): LocalBuckets {
  const buckets = new ExpiringMap<Bucket>(onFull, room);
  return {
    get size() {
      return buckets.size;
    },
    put(key) {
      const now = clock();
      const bucket = buckets.get(key, now);
      // The first request finds its bucket empty and does not count.
      const excess = bucket === undefined ? 0 : Math.max(bucket.excess - rate * (now - bucket.at) / 1000 + 1, 0);
      if (excess > burst) return undefined;
      // Once it has leaked, with room for one more, it is as if it had never been.
      buckets.set(key, { excess, at: now, expires: now + (excess + 1) / rate * 1000 }, now);
      return excess / rate * 1000;
    },
  };
}

/**
 * Key: a hash of the excess, in thousandths of a request, and the server's time in microseconds. Arguments: rate, burst, both in thousandths;
 * seconds to keep it. Returns whether it has room, and the excess as text, since Redis cuts numbers to integers.
 */
const PUT: RedisScript = {
  source: `
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local state = redis.call('HMGET', KEYS[1], 'excess', 'at')
local excess = 0
if state[1] and state[2] then
  excess = math.max(tonumber(state[1]) - rate * math.abs(now - tonumber(state[2])) / 1000000 + 1000, 0)
end
if excess > burst then
  return {0, tostring(excess)}
end
redis.call('HSET', KEYS[1], 'excess', tostring(excess), 'at', ('%.0f'):format(now))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, tostring(excess)}`,
};

/** Longest time that Redis keeps a bucket, in seconds: a year. */
const LONGEST = 31_536_000;

/** Makes buckets in Redis: one script a request, which Redis runs as one step. */
export function createRedisBuckets(
  { rate, burst }: BucketOptions,
  connection: RedisConnection,
  prefix: string,
): Buckets {
  const args = [rate * 1000, burst * 1000, Math.min(Math.ceil((burst + 1) / rate) + 1, LONGEST)];
  return {
    async put(key) {
      const reply = await connection.run(PUT, prefix + key, args);
      if (!Array.isArray(reply) || reply.length !== 2) {
        throw new Error("Cannot count as Redis's answer must be the script's");
      }
      return reply[0] === 1 ? Number(reply[1]) / rate : undefined;
    },
  };
}
