import type { Context } from "hono";
import { jsonSchema, toJson } from "../config/schemas.ts";
import type { Catalogue } from "../pipeline/catalogue.ts";
import type { Plugin } from "../pipeline/plugin.ts";
import { AdminError } from "./answer.ts";
import type { Endpoint, QueryArgument } from "./endpoint.ts";
import { parseKind } from "./kind-name.ts";

const SUBSYSTEM: QueryArgument = { name: "subsystem", type: "string", description: "http (the default), or stream" };

/** What this gateway's plugins are, and what their configurations and the resources must be. */
export function catalogueEndpoints(catalogue: Catalogue): Endpoint[] {
  return [
    {
      method: "GET",
      path: "/plugins/list",
      tag: "plugins",
      summary: "Names of all plugins, the highest priority first",
      query: [SUBSYSTEM],
      replies: { 200: "array" },
      errors: [400],
      answer: (c) => c.json(isHttp(c) ? ordered(catalogue).map(({ name }) => name) : []),
    },
    {
      method: "PUT",
      path: "/plugins/reload",
      tag: "plugins",
      summary: "Does nothing: plugins are part of the program",
      replies: { 200: "empty" },
      answer: (c) => c.json("done"),
    },
    {
      method: "GET",
      path: "/plugins",
      tag: "plugins",
      summary: "Every plugin with its schemas",
      query: [SUBSYSTEM, { name: "all", type: "boolean", description: "Must be true" }],
      replies: { 200: "object" },
      errors: [400, 404],
      answer: (c) => {
        const http = isHttp(c);
        if (c.req.query("all") !== "true") throw new AdminError(404, "plugin not found in subsystem http");
        return c.json(http ? Object.fromEntries(ordered(catalogue).map((each) => [each.name, describe(each)])) : {});
      },
    },
    {
      method: "GET",
      path: "/plugins/:name",
      tag: "plugins",
      summary: "The JSON Schema of a plugin's configuration",
      query: [SUBSYSTEM, {
        name: "schema_type",
        type: "string",
        description: "consumer: of what a consumer's credential says of it",
      }],
      replies: { 200: "object" },
      errors: [400, 404],
      answer: (c) => {
        const plugin = isHttp(c) ? catalogue.get(c.req.param("name") ?? "") : undefined;
        if (plugin === undefined) {
          throw new AdminError(404, `plugin not found in subsystem ${c.req.query("subsystem") ?? "http"}`);
        }
        const schema = c.req.query("schema_type") === "consumer" ? plugin.consumerSchema : plugin.schema;
        if (schema === undefined) throw new AdminError(400, "not found schema");
        return c.json(toJson(schema));
      },
    },
    {
      method: "GET",
      path: "/schema/plugins/:name",
      tag: "schema",
      summary: "The JSON Schema of a plugin's configuration",
      replies: { 200: "object" },
      errors: [404],
      answer: (c) => {
        const plugin = catalogue.get(c.req.param("name") ?? "");
        if (plugin === undefined) throw new AdminError(404, "plugin not found in subsystem http");
        return c.json(toJson(plugin.schema));
      },
    },
    {
      method: "GET",
      path: "/schema/:kind",
      tag: "schema",
      summary: "The JSON Schema of a kind of resource, as this API takes it",
      replies: { 200: "object" },
      errors: [400],
      answer: (c) => {
        const name = c.req.param("kind") ?? "";
        const kind = parseKind(name);
        if (kind === undefined) throw new AdminError(400, `not found schema: ${name.slice(0, 80)}`);
        return c.json(jsonSchema(kind, { strict: true }));
      },
    },
  ];
}

function isHttp(c: Context): boolean {
  const subsystem = c.req.query("subsystem") ?? "http";
  if (subsystem === "http") return true;
  if (subsystem === "stream") return false;
  throw new AdminError(400, `unsupported subsystem: ${subsystem.slice(0, 80)}`);
}

function ordered(catalogue: Catalogue): Plugin[] {
  return [...catalogue.all()].sort((a, b) => b.priority - a.priority);
}

function describe({ priority, schema, consumerSchema }: Plugin): Record<string, unknown> {
  return {
    version: 0.1,
    priority,
    schema: toJson(schema),
    ...(consumerSchema === undefined ? {} : { consumer_schema: toJson(consumerSchema), type: "auth" }),
  };
}
