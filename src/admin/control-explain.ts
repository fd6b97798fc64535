import type { Context } from "hono";
import * as v from "valibot";
import { type Issue, toIssues } from "../config/issue.ts";
import { GatewayError } from "../errors.ts";
import type { ExplainRequest, GatewayExplanation } from "../gateway/explain.ts";

/**
 * `POST /explain`: why a request would go where it goes.
 *
 * A page of another site can send JSON only where it is allowed to, and it is not: a form's or a text's content type is refused.
 */
export async function answerExplain(
  c: Context,
  explain: (request: ExplainRequest) => Promise<GatewayExplanation>,
): Promise<Response> {
  if (!/^application\/json\b/i.test(c.req.header("content-type") ?? "")) {
    return c.json({ error_msg: "Cannot explain without a JSON body: send it as application/json" }, 415);
  }
  const body = v.safeParse(EXPLAIN, await c.req.json().catch(() => undefined));
  if (!body.success) {
    return c.json({ error_msg: `Cannot explain: ${toIssues(body.issues).map(issueText).join("; ")}` }, 400);
  }
  try {
    return c.json(await explain(body.output));
  } catch (error) {
    if (error instanceof GatewayError) return c.json({ error_msg: error.message, code: error.code }, 400);
    throw error;
  }
}

const EXPLAIN: v.GenericSchema<unknown, ExplainRequest> = v.strictObject({
  method: v.string(),
  url: v.string(),
  headers: v.exactOptional(v.array(v.string())),
  from: v.exactOptional(v.string()),
  body: v.exactOptional(v.string()),
});

function issueText({ path, message }: Issue): string {
  return path === "" ? message : `${path} ${message}`;
}
