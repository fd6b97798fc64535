import type { Kind } from "../config/kinds.ts";
import { jsonSchema } from "../config/schemas.ts";
import type { BodyForm, Endpoint, ReplyForm } from "./endpoint.ts";

type Json = Record<string, unknown>;

const CODES: Readonly<Record<number, string>> = {
  200: "Done",
  201: "Made",
  400: "The request, or the resource in it, is wrong",
  401: "No key, a wrong one, or one that may only read",
  404: "Not there",
  409: "Others changed it all the time; nothing was written",
  412: "If-Match does not hold",
  415: "A content type that is not read",
  503: "The store cannot be reached, or does not take the write",
};

/** The OpenAPI 3.1 document of the endpoints. */
export function openApi(endpoints: readonly Endpoint[], base: string, version: string): Json {
  const paths: Record<string, Json> = {};
  const kinds = new Set<Kind>();
  for (const endpoint of endpoints) {
    const path = base + toOpenApiPath(endpoint.path);
    (paths[path] ??= {})[endpoint.method.toLowerCase()] = operation(endpoint, kinds);
  }
  return {
    openapi: "3.1.0",
    info: { title: "gatewatch Admin API", version },
    servers: [{ url: "/" }],
    security: [{ key: [] }],
    paths,
    components: {
      securitySchemes: { key: { type: "apiKey", in: "header", name: "X-API-KEY" } },
      schemas: {
        Error: {
          type: "object",
          properties: {
            error_msg: { type: "string" },
            issues: {
              type: "array",
              items: { type: "object", properties: { path: { type: "string" }, message: { type: "string" } } },
            },
          },
        },
        ...Object.fromEntries(Array.from(kinds, (kind) => [kind, withoutDraft(jsonSchema(kind, { strict: true }))])),
      },
    },
  };
}

/** `/routes/:id/:path{.+}` as `/routes/{id}/{path}`. */
export function toOpenApiPath(path: string): string {
  return path.replace(/:(\w+)(?:\{[^}]*\})?/g, "{$1}");
}

function operation(endpoint: Endpoint, kinds: Set<Kind>): Json {
  const { method, path, tag, summary, query = [], body, guarded, replies, errors = [] } = endpoint;
  const names = Array.from(path.matchAll(/:(\w+)/g), ([, name]) => name!);
  const statuses = [...new Set([...errors, 401, 503, ...(body === undefined ? [] : [400, 415])])].sort((a, b) => a - b);
  return {
    operationId: `${method.toLowerCase()}${
      path.replace(/\{[^}]*\}/g, "").replace(/[/:_]+(\w)/g, (_, c) => c.toUpperCase())
    }`,
    tags: [tag],
    summary,
    parameters: [
      ...names.map((name) => ({ name, in: "path", required: true, schema: { type: "string" } })),
      ...query.map(({ name, type, description }) => ({ name, in: "query", description, schema: { type } })),
      ...(guarded === true
        ? [{
          name: "If-Match",
          in: "header",
          description: "The revision that last wrote the resource (modifiedIndex): write only if nobody wrote since",
          schema: { type: "string" },
        }]
        : []),
    ],
    ...(body === undefined ? {} : { requestBody: { required: true, content: content(bodySchema(body, kinds), body) } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(replies).map(([status, form]) => [status, reply(Number(status), form, method, kinds)]),
      ),
      ...Object.fromEntries(statuses.map((status) => [status, {
        description: CODES[status],
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      }])),
    },
  };
}

function content(schema: Json, body: BodyForm): Json {
  return { "application/json": { schema }, ...(body === "sections" ? { "application/yaml": { schema } } : {}) };
}

function bodySchema(body: BodyForm, kinds: Set<Kind>): Json {
  if (body === "any") return {};
  if (body === "sections") return { type: "object", additionalProperties: { type: ["array", "number"] } };
  return body.partial === true ? { type: "object" } : refer(body.kind, kinds);
}

function reply(status: number, form: ReplyForm, method: string, kinds: Set<Kind>): Json {
  const headers = method === "GET" || typeof form === "string" && form !== "deleted" ? {} : {
    headers: {
      "X-Gatewatch-Revision": { description: "The revision that the write made", schema: { type: "integer" } },
    },
  };
  const description = CODES[status];
  if (form === "empty") return { description };
  return { description, ...headers, content: { "application/json": { schema: replySchema(form, kinds) } } };
}

function replySchema(form: Exclude<ReplyForm, "empty">, kinds: Set<Kind>): Json {
  if (form === "object" || form === "array") return { type: form };
  if (form === "deleted") return fields({ deleted: { type: "string" }, key: { type: "string" } });
  const node = (kind: Kind) =>
    fields({
      key: { type: "string" },
      // What is stored has more than what may be written: times, an id; and of an ssl the key is left out.
      value: { type: "object", description: `A ${kind}`, "x-schema": refer(kind, kinds)["$ref"] },
      createdIndex: { type: "integer" },
      modifiedIndex: { type: "integer" },
    });
  if ("node" in form) return node(form.node);
  return fields({ total: { type: "integer" }, list: { type: "array", items: node(form.list) } });
}

function fields(properties: Json): Json {
  return { type: "object", properties, required: Object.keys(properties) };
}

function refer(kind: Kind, kinds: Set<Kind>): Json {
  kinds.add(kind);
  return { $ref: `#/components/schemas/${kind}` };
}

function withoutDraft(schema: Json): Json {
  const { $schema: _, ...rest } = schema;
  return rest;
}
