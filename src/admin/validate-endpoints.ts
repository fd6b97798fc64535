import { parseKey, toKey } from "../config/key.ts";
import { DIRECTORIES, type Kind } from "../config/kinds.ts";
import { AdminError, invalid } from "./answer.ts";
import { readDocument, readJson } from "./body.ts";
import type { Checker } from "./check.ts";
import type { Endpoint } from "./endpoint.ts";
import { isObject } from "./patch.ts";
import { RESOURCE_TYPES } from "./resource-types.ts";

/** One thing that is wrong with one of many resources, as APISIX tells it. */
interface Finding {
  readonly resource_type: string;
  readonly resource_id?: string;
  readonly index?: number;
  readonly error: string;
}

/** Checks that write nothing; what resources refer to need not be there. */
export function validateEndpoints(checker: Checker): Endpoint[] {
  return [
    {
      method: "POST",
      path: "/schema/validate/:name",
      tag: "schema",
      summary: "Check one resource",
      body: "any",
      replies: { 200: "empty" },
      errors: [404],
      answer: async (c) => {
        const name = c.req.param("name") ?? "";
        const type = RESOURCE_TYPES.find((each) => each.name === name);
        if (type === undefined) throw new AdminError(404, `Unsupported resource type: ${name.slice(0, 80)}`);
        const value = await readJson(c);
        await checker.check(type.kind, idFor(type.kind, value), value, noManager);
        return c.body(null, 200);
      },
    },
    {
      method: "POST",
      path: "/configs/validate",
      tag: "configs",
      summary: "Check resources by section, in JSON or YAML, as a resources file has them",
      body: "sections",
      replies: { 200: "object" },
      answer: async (c) => {
        const sections = await readDocument(c);
        if (!isObject(sections)) throw invalid([{ path: "", message: "must be an object" }], "request body");
        const errors = await findAll(sections, checker);
        if (errors.length > 0) throw new AdminError(400, { error_msg: "Configuration validation failed", errors });
        return c.json({});
      },
    },
  ];
}

async function findAll(sections: Readonly<Record<string, unknown>>, checker: Checker): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const [section, items] of Object.entries(sections)) {
    if (section.endsWith("_conf_version")) {
      if (typeof items === "number") continue;
      const resource_type = section.slice(0, -"_conf_version".length);
      found.push({ resource_type, error: `${section} must be a number, got ${typeof items}` });
      continue;
    }
    const kind = Object.hasOwn(DIRECTORIES, section) ? DIRECTORIES[section] : undefined;
    if (kind === undefined || !Array.isArray(items)) {
      const error = kind === undefined ? "is no kind of resource" : "must be an array";
      found.push({ resource_type: section, error });
      continue;
    }
    const seen = new Set<string>();
    for (const [index, item] of items.entries()) {
      const { id, error } = await findIn(kind, section, item, seen, checker);
      if (error !== undefined) found.push({ resource_type: section, resource_id: id, index, error });
    }
  }
  return found;
}

async function findIn(
  section: Kind,
  name: string,
  item: unknown,
  seen: Set<string>,
  checker: Checker,
): Promise<{ readonly id: string; readonly error?: string }> {
  const own = isObject(item) ? item["id"] ?? item["username"] ?? "" : "";
  const id = typeof own === "string" || typeof own === "number" ? String(own) : "";
  const credential = section === "consumer" && id.includes("/credentials/");
  const kind = credential ? "credential" : section;
  if (seen.has(id) && id !== "") {
    const what = section !== "consumer" ? "id" : credential ? "credential id" : "username";
    return { id, error: `found duplicate ${what} ${id} in ${name}` };
  }
  seen.add(id);
  const parsed = parseKey(toKey(kind, id));
  if (id !== "" && (parsed === "ignored" || parsed.kind !== kind)) {
    return {
      id,
      error: parsed !== "ignored" && parsed.kind === "unknown" ? parsed.reason : `invalid ${kind} id: ${id}`,
    };
  }
  // APISIX lets a credential's id be the whole key here.
  const value = credential && isObject(item) ? { ...item, id: id.slice(id.lastIndexOf("/") + 1) } : item;
  try {
    await checker.check(kind, id === "" ? idFor(kind, value) : id, value, noManager);
    return { id };
  } catch (error) {
    if (error instanceof AdminError) return { id, error: error.message };
    throw error;
  }
}

/** An id to check a value under that came without one. */
function idFor(kind: Kind, value: unknown): string {
  const { id, username } = isObject(value) ? value : {};
  if (kind === "consumer") return typeof username === "string" ? username : "consumer";
  if (kind === "credential") return "consumer/credentials/1";
  if (kind === "secret") return typeof id === "string" && id.includes("/") ? id : "vault/1";
  return typeof id === "string" || typeof id === "number" ? String(id) : "1";
}

const noManager = (): Promise<undefined> => Promise.resolve(undefined);
