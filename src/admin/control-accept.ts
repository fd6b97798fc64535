import type { Context } from "hono";
import { isFromPage } from "./control-guard.ts";

/** Mass deletes that are held back; a guarded source has them. */
export interface HeldDeletes {
  held(): { readonly revision: number; readonly removes: number; readonly routes: number } | undefined;
  accept(revision?: number): boolean;
}

/**
 * `POST /accept?revision=N`: serves the revision whose deletes are held back. The revision must be the held one, so that nobody confirms what they
 * have not seen. Pages in a browser may not ask, whatever site they are of.
 */
export function answerAccept(c: Context, deletes: HeldDeletes): Response {
  if (isFromPage(c)) return refusePage(c);
  const text = c.req.query("revision") ?? "";
  if (!/^\d{1,15}$/.test(text)) {
    return c.json({ error_msg: "Cannot accept without a revision: write /accept?revision=N" }, 400);
  }
  const held = deletes.held();
  if (held === undefined) return c.json({ error_msg: "Nothing is held back" }, 409);
  const revision = Number(text);
  if (!deletes.accept(revision)) {
    return c.json({ error_msg: `Revision ${held.revision} is held back, not ${revision}`, held }, 409);
  }
  return c.json({ accepted: revision, removes: held.removes, routes: held.routes });
}

/** What a page in a browser is answered with, which may not accept. */
export function refusePage(c: Context): Response {
  return c.json({ error_msg: "Cannot accept for a page in a browser: use gatewatch accept" }, 403);
}
