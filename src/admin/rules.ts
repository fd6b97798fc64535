import { toKey } from "../config/key.ts";
import type { Kind } from "../config/kinds.ts";
import type { Resource, ResourceOf } from "../config/resource.ts";
import type { Reference } from "../store/references.ts";
import type { Guard, WritableSource } from "../store/writable.ts";
import { AdminError } from "./answer.ts";
import type { Checker } from "./check.ts";
import { refuseDuplicateKeys } from "./duplicate-keys.ts";
import { toFields } from "./node.ts";
import { isObject } from "./patch.ts";
import type { ResourceType } from "./resource-types.ts";

/**
 * What the Admin API asks beyond a valid value, as APISIX does: metadata of a plugin that there is, credentials of authentication alone, no
 * two consumers with the same key, no plugin in two global rules.
 *
 * @throws AdminError
 */
export async function checkRules(
  { kind }: ResourceType,
  id: string,
  resource: Resource,
  source: WritableSource,
  checker: Checker,
): Promise<void> {
  const { catalogue } = checker;
  if (kind === "plugin_metadata" && catalogue.get(id) === undefined) throw new AdminError(400, "invalid plugin name");
  if (kind === "credential") {
    for (const name of Object.keys((resource as ResourceOf<"credential">).plugins ?? {})) {
      if (catalogue.get(name)?.consumerSchema === undefined) {
        throw new AdminError(400, "only supports auth type plugins in consumer credential");
      }
    }
  }
  if (kind === "consumer" || kind === "credential") {
    const { plugins } = resource as ResourceOf<"consumer" | "credential">;
    if (plugins !== undefined) await refuseDuplicateKeys(kind, id, plugins, source, checker);
  }
  if (kind === "global_rule") {
    const names = Object.keys((resource as ResourceOf<"global_rule">).plugins);
    const { entries } = await source.list(toKey(kind, ""));
    for (const entry of entries) {
      const plugins = entry.key === toKey(kind, id) ? undefined : toFields(entry)?.["plugins"];
      const name = isObject(plugins) ? names.find((each) => Object.hasOwn(plugins, each)) : undefined;
      if (name === undefined) continue;
      const other = entry.key.slice(entry.key.indexOf("/") + 1);
      throw new AdminError(400, `plugin '${name}' already exists in global rule with id '${other}'`);
    }
  }
}

/**
 * Guards that keep what a resource refers to from being deleted while it is written.
 *
 * @throws AdminError 400 where something is not there.
 */
export async function guardReferences(
  { kind }: ResourceType,
  references: readonly Reference[],
  source: WritableSource,
): Promise<Guard[]> {
  const keys = new Map(references.map((reference) => [toKey(reference.kind, reference.id), reference]));
  return await Promise.all(Array.from(keys, async ([key, { kind: wanted, id, path }]) => {
    const { entry } = await source.get(key);
    if (entry !== undefined) return { key, modRevision: entry.modRevision };
    if (kind === "credential") throw new AdminError(404, "consumer not found");
    const label = labelOf(wanted);
    throw new AdminError(400, {
      error_msg: `failed to fetch ${label} info by ${label} id [${id}], response code: 404`,
      issues: [{ path, message: `refers to ${label} [${id}], which is not there` }],
    });
  }));
}

function labelOf(kind: Kind): string {
  return kind.replace("_", " ");
}
