import { toPath } from "../../config/issue.ts";
import { isFields } from "./value.ts";

/** One field that differs; a side that has no such field is `undefined`. */
export interface FieldChange {
  /** As in `upstream.nodes[0].port`; empty for the value as a whole. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/**
 * Every field in which two JSON values differ, as deep as both have the same shape. The order of an object's fields is no difference; that of a
 * list's items is.
 *
 * @example
 * ```ts
 * compareValues({ uri: "/a", priority: 1 }, { uri: "/b", priority: 1 }); // [{ path: "uri", before: "/a", after: "/b" }]
 * ```
 */
export function compareValues(before: unknown, after: unknown, path: string = ""): FieldChange[] {
  if (isFields(before) && isFields(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => compareValues(before[name], after[name], toPath(path, name)));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    return Array.from({ length: Math.max(before.length, after.length) }).flatMap((_, index) =>
      compareValues(before[index], after[index], toPath(path, index))
    );
  }
  return Object.is(before, after) ? [] : [{ path, before, after }];
}
