import type { AnswerFields, NodeFields } from "../net/answer-fields.ts";
import type { PluginContext } from "./context.ts";

/**
 * Changes the header fields of the answer that `next()` left. To be preferred to `c.res.headers`, which makes a node's answer a Response in full first.
 *
 * @throws {TypeError} where a name or a value cannot be sent.
 *
 * @example
 * ```ts
 * changeAnswer(c, (fields) => fields.set("X-Served-By", "gatewatch"));
 * ```
 */
export function changeAnswer(c: PluginContext, change: (fields: AnswerFields) => void): void {
  const answer = c.res, changed = changeFields(answer, change);
  if (changed !== answer) replaceAnswer(c, changed);
}

/**
 * Changes the header fields of an answer.
 *
 * @returns The answer: the same, unless its fields cannot be changed.
 * @throws {TypeError} where a name or a value cannot be sent.
 */
export function changeFields(answer: Response & NodeFields, change: (fields: AnswerFields) => void): Response {
  const fields = answer.nodeFields;
  if (fields !== undefined) {
    change(fields);
    return answer;
  }
  try {
    change(answer.headers);
    return answer;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // The fields of what a plugin got from `fetch()` and returned cannot be changed; those of a copy can.
    const copy = new Response(answer.body, answer);
    change(copy.headers);
    return copy;
  }
}

/** A field of the answer that `next()` left: the first of that name in a node's answer, else all of them, joined. */
export function answerField(c: PluginContext, name: string): string | undefined {
  const answer: Response & NodeFields = c.res;
  return (answer.nodeFields ?? answer.headers).get(name) ?? undefined;
}

/** Puts another answer in the place of the one that is there. */
export function replaceAnswer(c: PluginContext, answer: Response): void {
  // Hono would merge the fields of the old one in.
  c.res = undefined;
  c.res = answer;
}
