import { AdminError } from "./answer.ts";

/**
 * Merges a patch into a value (RFC 7396): `null` deletes a field, objects are merged, everything else takes the place of what was there.
 * Neither is changed.
 */
export function mergePatch(value: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(value) ? { ...value } : {};
  for (const [name, each] of Object.entries(patch)) {
    if (each === null) delete merged[name];
    else merged[name] = mergePatch(merged[name], each);
  }
  return merged;
}

/**
 * Puts a value at a path such as `upstream/nodes` or `methods/0`, and makes the objects on the way there; `null` deletes what is there. The
 * given value is not changed.
 *
 * @throws AdminError 400 where the path leads through something that has no fields.
 */
export function patchAt(value: unknown, path: readonly string[], put: unknown): unknown {
  const copy = structuredClone(value);
  let holder: unknown = copy;
  for (const [index, name] of path.entries()) {
    const wrong = () => new AdminError(400, `invalid sub-path: /${path.slice(0, index + 1).join("/")}`);
    if (["__proto__", "constructor", "prototype", ""].includes(name)) throw wrong();
    const last = index === path.length - 1;
    if (Array.isArray(holder)) {
      const at = /^(?:0|[1-9]\d{0,8})$/.test(name) ? Number(name) : -1;
      if (at < 0 || at > holder.length || (at === holder.length && (!last || put === null))) throw wrong();
      if (!last) holder = holder[at];
      else if (put === null) holder.splice(at, 1);
      else holder[at] = put;
    } else if (isObject(holder)) {
      if (!last) holder = holder[name] ??= {};
      else if (put === null) delete holder[name];
      else holder[name] = put;
    } else throw wrong();
  }
  return copy;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
