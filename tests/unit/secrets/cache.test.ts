import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Secret } from "../../../src/config/secret.ts";
import { SecretCache } from "../../../src/secrets/cache.ts";
import { SecretError } from "../../../src/secrets/manager.ts";

const vault = (token: string): Secret => ({ id: "vault/1", manager: "vault", uri: "http://v", prefix: "kv", token });
const reference = (key: string) => ({ manager: "vault", id: "1", key });

/** A cache over a manager that answers with its token and a count, unless it is down. */
function createFixture() {
  const state = { asked: [] as string[], down: undefined as Error | undefined, now: 0, version: 1 };
  const cache = new SecretCache({
    now: () => state.now,
    fetch: ({ key }, manager) => {
      state.asked.push(key);
      if (state.down !== undefined) return Promise.reject(state.down);
      return Promise.resolve(`${key} of ${manager.manager === "vault" ? manager.token : ""} ${state.version}`);
    },
  });
  return { cache, state };
}

describe("the cache of secrets", () => {
  it("asks once for many who ask at the same time or later", async () => {
    const { cache, state } = createFixture();
    const one = cache.get(reference("a/k"), vault("t"));
    deepStrictEqual(await Promise.all([one, cache.get(reference("a/k"), vault("t"))]), ["a/k of t 1", "a/k of t 1"]);
    await cache.get(reference("a/k"), vault("t"));
    deepStrictEqual(state.asked, ["a/k"]);
  });

  it("asks anew where the manager's resource says something else", async () => {
    const { cache } = createFixture();
    await cache.get(reference("a/k"), vault("t"));
    strictEqual(await cache.get(reference("a/k"), vault("u")), "a/k of u 1");
  });

  it("tells on a refresh what has changed, and nothing else", async () => {
    const { cache, state } = createFixture();
    await cache.get(reference("a/k"), vault("t"));
    deepStrictEqual([...await cache.refresh("all")], []);
    state.version = 2;
    deepStrictEqual([...await cache.refresh("failed")], []);
    deepStrictEqual([...await cache.refresh("all")], ["vault/1/a/k"]);
    strictEqual(await cache.get(reference("a/k"), vault("t")), "a/k of t 2");
  });

  it("keeps the last good value while the manager is away, and says that it is old", async () => {
    const { cache, state } = createFixture();
    await cache.get(reference("a/k"), vault("t"));
    state.down = new SecretError("vault answered with status 503", { away: true });
    deepStrictEqual([...await cache.refresh("all")], []);
    strictEqual(await cache.get(reference("a/k"), vault("t")), "a/k of t 1");
    strictEqual(cache.problemOf("vault/1/a/k")?.message, "vault answered with status 503");
    strictEqual(cache.failing, true);
    state.down = undefined;
    deepStrictEqual([...await cache.refresh("failed")], []);
    strictEqual(cache.failing, false);
  });

  it("asks a manager that is away for one secret, not for thousands", async () => {
    const { cache, state } = createFixture();
    state.down = new SecretError("cannot be asked", { away: true });
    for (let i = 0; i < 100; i++) await rejects(cache.get(reference(`a/${i}`), vault("t")), { message: /cannot be/ });
    strictEqual(state.asked.length, 1);
    state.now += 2001;
    await rejects(cache.get(reference("a/0"), vault("t")), { message: /cannot be asked/ });
    strictEqual(state.asked.length, 2);
    state.down = undefined;
    const changed = await cache.refresh("failed");
    strictEqual(changed.size, 100);
  });

  it("asks for every other secret where one alone is wrong", async () => {
    const { cache, state } = createFixture();
    state.down = new SecretError("vault answered with status 404");
    for (let i = 0; i < 3; i++) await rejects(cache.get(reference(`a/${i}`), vault("t")), { message: /404/ });
    strictEqual(state.asked.length, 3);
  });

  it("gives up what takes too long", async () => {
    let aborted = false;
    const cache = new SecretCache({
      timeoutMs: 10,
      fetch: (_, __, signal) => {
        signal.addEventListener("abort", () => aborted = true);
        return new Promise(() => {});
      },
    });
    await rejects(cache.get(reference("a/k"), vault("t")), { message: "vault did not answer within 10 ms" });
    strictEqual(aborted, true);
  });

  it("forgets what nobody refers to any more", async () => {
    const { cache, state } = createFixture();
    await cache.get(reference("a/k"), vault("t"));
    cache.retain(new Set(["vault/1/b/k"]));
    strictEqual(cache.has("vault/1/a/k"), false);
    await cache.refresh("all");
    deepStrictEqual(state.asked, ["a/k"]);
  });
});
