import type { Context } from "hono";
import { parseKey, toKey } from "../config/key.ts";
import type { WritableSource } from "../store/writable.ts";
import { AdminError, notFound } from "./answer.ts";
import { readJson } from "./body.ts";
import type { Checker } from "./check.ts";
import type { Edited, EditOptions, Editor } from "./editor.ts";
import type { Endpoint, QueryArgument } from "./endpoint.ts";
import { pageOf, select } from "./lists.ts";
import { toFields, toNode } from "./node.ts";
import { keysOf, type ResourceType, toTarget } from "./resource-types.ts";

/** What the endpoints work on. */
export interface ResourceParts {
  readonly source: WritableSource;
  readonly checker: Checker;
  readonly editor: Editor;
}

/** Set on every answer to a write: the revision that it made, for `GET /wait` of the control API. */
export const REVISION_HEADER = "x-gatewatch-revision";

const TTL: QueryArgument = { name: "ttl", type: "integer", description: "Seconds after which it is gone again" };
const FORCE: QueryArgument = { name: "force", type: "boolean", description: "Delete it although others refer to it" };
const LIST: readonly QueryArgument[] = [
  { name: "page", type: "integer", description: "Which page, from 1; with page_size" },
  { name: "page_size", type: "integer", description: "Resources of a page, 10 to 500; with page" },
  { name: "name", type: "string", description: "Regular expression (RE2) that the name must match" },
  { name: "label", type: "string", description: "Key of a label that it must have" },
  { name: "uri", type: "string", description: "Regular expression (RE2) that one of the URIs must match" },
];
const FILTER: QueryArgument = {
  name: "filter",
  type: "string",
  description: "References, as in service_id=1&upstream_id=2, encoded as one argument",
};

/** Every operation on one kind of resource. */
export function resourceEndpoints(type: ResourceType, parts: ResourceParts): Endpoint[] {
  const { kind, label, name: tag, collection, item } = type;
  const read = (c: Context) => one(c, type, parts);
  const endpoints: Endpoint[] = [
    {
      method: "GET",
      path: collection,
      tag,
      summary: `List ${label} resources`,
      query: kind === "route" ? [...LIST, FILTER] : LIST,
      replies: { 200: { list: kind } },
      errors: type.collection.includes(":") ? [400, 404] : [400],
      answer: (c) => list(c, type, parts),
    },
    {
      method: "GET",
      path: item,
      tag,
      summary: `Read one ${label}`,
      replies: { 200: { node: kind } },
      errors: [404],
      answer: read,
    },
    ...writes(type, parts),
    {
      method: "DELETE",
      path: item,
      tag,
      summary: `Delete one ${label}`,
      query: [FORCE],
      guarded: true,
      replies: { 200: "deleted" },
      errors: [400, 404, 409, 412],
      answer: async (c) => {
        const target = toTarget(type, c.req.param());
        const revision = await parts.editor.delete(target, c.req.query("force") === "true", editOptions(c));
        c.header(REVISION_HEADER, String(revision));
        return c.json({ deleted: "1", key: parts.source.prefix + toKey(kind, target.id ?? "") });
      },
    },
  ];
  if (kind === "secret") {
    endpoints.push({ ...endpoints[0]!, path: "/secrets/:manager", summary: "List secret resources of one manager" });
  }
  return endpoints;
}

function writes(type: ResourceType, parts: ResourceParts): Endpoint[] {
  const { kind, label, name: tag, collection, item } = type;
  const { editor } = parts;
  const target = (c: Context) => toTarget(type, c.req.param());
  const put: Omit<Endpoint, "path"> = {
    method: "PUT",
    tag,
    summary: `Make or replace one ${label}`,
    query: [TTL],
    body: { kind },
    guarded: true,
    replies: { 200: { node: kind }, 201: { node: kind } },
    errors: kind === "credential" ? [404, 409, 412] : [409, 412],
    answer: async (c) => edited(c, type, parts, await editor.put(target(c), await readJson(c), editOptions(c))),
  };
  const endpoints: Endpoint[] = [{ ...put, path: item }];
  // With the id, or the username, in the body.
  if (kind !== "secret" && kind !== "plugin_metadata") endpoints.push({ ...put, path: collection });
  if (type.writes.includes("POST")) {
    endpoints.push({
      method: "POST",
      path: collection,
      tag,
      summary: `Make one ${label} under an id that is generated`,
      query: [TTL],
      body: { kind },
      replies: { 201: { node: kind } },
      errors: [409],
      answer: async (c) => edited(c, type, parts, await editor.post(target(c), await readJson(c), editOptions(c))),
    });
  }
  if (type.writes.includes("PATCH")) {
    const patch: Omit<Endpoint, "path" | "summary" | "body"> = {
      method: "PATCH",
      tag,
      query: [TTL],
      guarded: true,
      replies: { 200: { node: kind } },
      errors: [404, 409, 412],
      answer: async (c) =>
        edited(c, type, parts, await editor.patch(target(c), subPath(c, type), await readJson(c), editOptions(c))),
    };
    endpoints.push(
      { ...patch, path: item, summary: `Merge a patch into one ${label}`, body: { kind, partial: true } },
      { ...patch, path: `${item}/:path{.+}`, summary: `Put a value at a path within one ${label}`, body: "any" },
    );
  }
  return endpoints;
}

async function list(c: Context, type: ResourceType, { source, checker }: ResourceParts): Promise<Response> {
  const target = toTarget(type, c.req.param());
  // Of a key such as `consumers/../credentials/` nothing is asked.
  if (target.parent !== "") checkId(type, `${target.parent}x`);
  const stored = await source.list(keysOf(target));
  const query = c.req.query();
  const found = select(type, stored, query);
  const nodes = pageOf(found, query).map(({ entry, fields }) => toNode(type, entry, fields, source, checker));
  return c.json({ total: found.length, list: await Promise.all(nodes) });
}

async function one(c: Context, type: ResourceType, { source, checker }: ResourceParts): Promise<Response> {
  const { id = "" } = toTarget(type, c.req.param());
  checkId(type, id);
  const { entry } = await source.get(toKey(type.kind, id));
  const fields = entry && toFields(entry);
  if (entry === undefined || fields === undefined) throw notFound();
  c.header("etag", `"${entry.modRevision}"`);
  return c.json(await toNode(type, entry, fields, source, checker));
}

/** An id that can be no key's is not looked for. */
function checkId({ kind }: ResourceType, id: string): void {
  const parsed = parseKey(toKey(kind, id));
  if (parsed === "ignored" || parsed.kind !== kind) throw notFound();
}

async function edited(
  c: Context,
  type: ResourceType,
  { source, checker }: ResourceParts,
  { entry, fields, created }: Edited,
): Promise<Response> {
  c.header(REVISION_HEADER, String(entry.modRevision));
  c.header("etag", `"${entry.modRevision}"`);
  return c.json(await toNode(type, entry, fields, source, checker), created ? 201 : 200);
}

function subPath(c: Context, type: ResourceType): string[] {
  const path = c.req.param("path");
  if (path === undefined) return [];
  const parts = path.replace(/\/$/, "").split("/");
  if (parts.length > 32) throw new AdminError(400, `invalid sub-path of ${type.label}: more than 32 levels`);
  return parts;
}

function editOptions(c: Context): EditOptions {
  const ttl = c.req.query("ttl");
  if (ttl !== undefined && !/^\d{1,9}$/.test(ttl)) {
    throw new AdminError(400, "invalid argument ttl: should be a number");
  }
  if (ttl !== undefined && Number(ttl) === 0) throw new AdminError(400, "invalid argument ttl: should be at least 1");
  const match = c.req.header("if-match")?.trim();
  const revision = match === undefined ? undefined : /^"?(\d{1,15})"?$/.exec(match)?.[1];
  if (match !== undefined && match !== "*" && revision === undefined) {
    throw new AdminError(400, "invalid If-Match: should be a revision, or *");
  }
  return {
    ttl: ttl === undefined ? undefined : Number(ttl),
    ifMatch: match === "*" ? "*" : revision === undefined ? undefined : Number(revision),
  };
}
