import type { Context } from "hono";
import { decode } from "../config/decode.ts";
import { AdminError } from "./answer.ts";

/** As in APISIX: 1.5 MiB. */
export const MAX_BODY: number = 1.5 * 1024 * 1024;

/**
 * Content types whose body is read as JSON. curl calls everything a form unless it is told otherwise, and every example of APISIX's
 * documentation leaves it at that.
 */
const JSON_TYPES = /^(?:application\/(?:[\w.+-]+\+)?json|application\/x-www-form-urlencoded|text\/plain|text\/json)$/i;

const YAML_TYPES = /^(?:application|text)\/(?:x-)?yaml$/i;

/** The body as JSON; undefined where there is none. @throws AdminError */
export async function readJson(c: Context): Promise<unknown> {
  checkType(c, JSON_TYPES, "JSON");
  const bytes = await readBytes(c);
  return bytes.length === 0 ? undefined : toJson(bytes);
}

/** As {@link readJson}, for a body that may be YAML as well, and must be there. @throws AdminError */
export async function readDocument(c: Context): Promise<unknown> {
  const yaml = YAML_TYPES.test(typeOf(c));
  if (!yaml) checkType(c, JSON_TYPES, "JSON or YAML");
  const bytes = await readBytes(c);
  if (bytes.length === 0) throw new AdminError(400, "invalid request body: empty request body");
  if (!yaml) return toJson(bytes);
  const { parse } = await import("yaml");
  let text: string;
  try {
    text = JSON.stringify(parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes), { maxAliasCount: 100 })) ??
      "null";
  } catch {
    throw new AdminError(400, "invalid request body: invalid yaml request body");
  }
  return toJson(new TextEncoder().encode(text));
}

function typeOf(c: Context): string {
  return (c.req.header("content-type") ?? "application/json").split(";", 1)[0]!.trim();
}

function checkType(c: Context, types: RegExp, wanted: string): void {
  const type = typeOf(c);
  if (types.test(type)) return;
  throw new AdminError(415, `invalid content type: ${JSON.stringify(type.slice(0, 80))}, wanted ${wanted}`);
}

async function readBytes(c: Context): Promise<Uint8Array> {
  const announced = Number(c.req.header("content-length") ?? 0);
  if (announced > MAX_BODY) throw tooLarge(announced);
  const { body } = c.req.raw;
  if (body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let size = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_BODY) {
      await reader.cancel().catch(() => undefined);
      throw tooLarge(size);
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function tooLarge(size: number): AdminError {
  return new AdminError(
    400,
    `invalid request body: request size ${size} is greater than the maximum size ${MAX_BODY} allowed`,
  );
}

function toJson(bytes: Uint8Array): unknown {
  const decoded = decode(bytes, Number.MAX_SAFE_INTEGER);
  if (decoded.ok) return decoded.value;
  const issues = decoded.issues.map(({ path, message }) => path === "" ? message : `${path} ${message}`);
  throw new AdminError(400, { error_msg: `invalid request body: ${issues.join("; ")}`, issues: decoded.issues });
}
