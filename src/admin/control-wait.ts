import type { Context } from "hono";

/** Milliseconds between two looks. */
const LOOK_MS = 10;
/** Longest wait, in milliseconds. */
const MOST_MS = 60_000;

/**
 * Answers `GET /wait?revision=N&timeout=5s`: 200 as soon as revision N or a later one is served here, 504 where it is not by then. The
 * default timeout is 5 seconds, the longest 60.
 */
export async function answerWait(c: Context, served: () => number | null): Promise<Response> {
  const { revision: text = "", timeout = "5s" } = c.req.query();
  if (!/^\d{1,15}$/.test(text)) {
    return c.json({ error_msg: `Cannot wait for revision ${JSON.stringify(text.slice(0, 40))}: give a number` }, 400);
  }
  const limit = milliseconds(timeout);
  if (limit === undefined || limit > MOST_MS) {
    const given = JSON.stringify(timeout.slice(0, 40));
    return c.json({ error_msg: `Cannot wait for ${given}: give a time of at most 60s, as in 5s or 500ms` }, 400);
  }
  const wanted = Number(text);
  const { signal } = c.req.raw;
  const start = performance.now();
  for (;;) {
    const revision = served();
    if (revision !== null && revision >= wanted) return c.json({ revision });
    const left = limit - (performance.now() - start);
    if (left <= 0 || signal.aborted) {
      return c.json({ error_msg: `Revision ${wanted} is not served here after ${timeout}`, revision }, 504);
    }
    await new Promise((resolve) => setTimeout(resolve, Math.min(LOOK_MS, left)));
  }
}

function milliseconds(text: string): number | undefined {
  const [, number, unit = "s"] = /^(\d{1,6})(ms|s)?$/.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * (unit === "s" ? 1000 : 1);
}
