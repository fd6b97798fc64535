import type { RedisConnection, RedisScript } from "../../pipeline/redis.ts";
import { type Counter, fixedVerdict, slidingVerdict, type Verdict, type WindowType } from "./counter.ts";

/** Key: the counter. Arguments: the window in ms. Returns what is counted and the ms that are left. */
const FIXED: RedisScript = {
  source: `
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
  return {1, tonumber(ARGV[1])}
end
return {redis.call('INCR', KEYS[1]), left}`,
};

/**
 * Key: a hash of the window's number, its count, and the count before. Arguments: the window in ms, the limit. The time is the server's, so that
 * gateways need not agree on theirs. Returns whether it was accepted, the count, the count before, the ms that are left.
 */
const SLIDING: RedisScript = {
  source: `
local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local id, left = math.floor(now / window), window - now % window
local state = redis.call('HMGET', KEYS[1], 'id', 'count', 'last')
local count, last = 0, 0
if state[1] then
  local age = id - tonumber(state[1])
  if age <= 0 then
    id, count, last = tonumber(state[1]), tonumber(state[2]), tonumber(state[3])
  elseif age == 1 then
    last = tonumber(state[2])
  end
end
local weighed = math.min(last, limit)
if count >= limit or weighed / window * left + count >= limit then
  return {0, count, weighed, left}
end
local whole = '%.0f'
redis.call('HSET', KEYS[1], 'id', whole:format(id), 'count', whole:format(count + 1), 'last', whole:format(last))
redis.call('PEXPIRE', KEYS[1], whole:format(window * 2))
return {1, count + 1, weighed, left}`,
};

/**
 * Counts in Redis: one script a request, which Redis runs as one step, so that any number of gateways together let exactly the limit through.
 *
 * @param prefix Of every key there.
 */
export function createRedisCounter(type: WindowType, connection: RedisConnection, prefix: string): Counter {
  if (type === "fixed") {
    return {
      async take(key, limit, windowMs): Promise<Verdict> {
        const [count, left] = integers(await connection.run(FIXED, prefix + key, [windowMs]), 2);
        return fixedVerdict(count!, limit, left!);
      },
    };
  }
  return {
    async take(key, limit, windowMs): Promise<Verdict> {
      const reply = await connection.run(SLIDING, `${prefix}${windowMs}:${key}`, [windowMs, limit]);
      const [accepted, count, last, leftMs] = integers(reply, 4);
      return slidingVerdict({ accepted: accepted === 1, count: count!, last: last!, leftMs: leftMs! }, limit, windowMs);
    },
  };
}

function integers(reply: unknown, length: number): number[] {
  if (Array.isArray(reply) && reply.length === length && reply.every((each) => typeof each === "number")) return reply;
  throw new Error("Cannot count as Redis's answer must be the script's");
}
