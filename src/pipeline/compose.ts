import type { Context, MiddlewareHandler } from "hono";
import type { PluginEnv } from "./context.ts";

/** Sends the request on and yields the answer; the innermost step of every chain. */
export type Terminal = (c: Context<PluginEnv>) => Promise<Response>;

/**
 * Makes one function of a chain of middleware, with Hono's meaning: each runs what follows by `await next()`, finds the answer in
 * `c.res` then, and may return a Response of its own instead of calling it. Called when the configuration changes.
 *
 * A chain without plugins is the terminal step itself.
 */
export function compose(middleware: readonly MiddlewareHandler<PluginEnv>[], terminal: Terminal): Terminal {
  if (middleware.length === 0) return terminal;
  const chain = middleware.reduceRight<Step>((inner, outer) => around(outer, inner), async (c) => {
    const answer = await terminal(c);
    // Setting c.res anew would make a copy of it, and a terminal that is a chain itself has set it.
    if (!c.finalized || c.res !== answer) c.res = answer;
  });
  return async (c) => {
    await chain(c);
    return c.res;
  };
}

/** Leaves its answer in `c.res`. */
type Step = (c: Context<PluginEnv>) => Promise<void>;

function around(outer: MiddlewareHandler<PluginEnv>, inner: Step): Step {
  return async (c) => {
    let called = false;
    const answer = await outer(c, () => {
      if (called) throw new Error("Cannot run the rest of the chain again as next() must be called once");
      called = true;
      return inner(c);
    });
    // As in Hono: once there is an answer, what a middleware returns after next() does not replace it.
    if (answer instanceof Response && !c.finalized) c.res = answer;
    if (!c.finalized) throw new Error("A plugin neither answered nor called next()");
  };
}
