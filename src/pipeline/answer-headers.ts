import type { PluginContext } from "./context.ts";

/**
 * Changes the header fields of the answer that `next()` left. Those of most answers can be changed as they are; what a plugin got from `fetch()` and returned is
 * copied first, since its fields cannot.
 *
 * @throws {TypeError} where a name or a value cannot be sent.
 */
export function changeAnswer(c: PluginContext, change: (headers: Headers) => void): void {
  const answer = c.res;
  try {
    change(answer.headers);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const copy = new Response(answer.body, answer);
    change(copy.headers);
    replaceAnswer(c, copy);
  }
}

/** Puts another answer in the place of the one that is there. */
export function replaceAnswer(c: PluginContext, answer: Response): void {
  // Hono would merge the fields of the old one in.
  c.res = undefined;
  c.res = answer;
}
