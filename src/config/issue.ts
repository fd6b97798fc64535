import type * as v from "valibot";

/** One thing that is wrong (or, as a warning, odd) with a stored value. It never holds a secret. */
export interface Issue {
  /** Where in the value, as in `upstream.nodes[0].port`; empty for the value as a whole. */
  readonly path: string;
  /** What is there and what should be, as in `must be an integer from 1 to 65535, is 70000`. */
  readonly message: string;
}

/** At most so many issues of one value are told: an operator mends the first few, and a hostile value has thousands. */
export const MAX_ISSUES = 20;

/** Fields whose value is never shown, wherever they stand. */
const SECRET_FIELD = /(^|[_-])(key|keys|token|secret|password|passwd|cert|certs|ca|credential|private)([_-]|$)/i;

/**
 * Appends one step to a path: `toPath("upstream", "nodes")`, `toPath("nodes", 0)`. Names that hold other characters than letters,
 * digits, `_` and `-` are quoted and shortened, since whoever writes the store chooses them.
 */
export function toPath(base: string, step: string | number): string {
  if (typeof step === "number") return `${base}[${step}]`;
  if (!/^[\w-]{1,64}$/.test(step)) return `${base}[${quote(step)}]`;
  return base === "" ? step : `${base}.${step}`;
}

/** A text from the store as it may stand in a message: quoted, escaped, at most `limit` characters of it. */
export function quote(text: string, limit = 40): string {
  const shown = text.length > limit ? `${text.slice(0, limit)}…` : text;
  // Escapes what JSON.stringify leaves: C1 controls and the line separators would break a log line.
  return JSON.stringify(shown).replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** What a value is, in a few words; with `hidden` only its type. */
export function describe(value: unknown, hidden = false): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return value.length === 0 ? "an empty array" : "an array";
  switch (typeof value) {
    case "string":
      return hidden ? "a string" : quote(value);
    case "number":
      return hidden ? "a number" : String(value);
    case "boolean":
      return hidden ? "a boolean" : String(value);
    case "object":
      return "an object";
    default:
      return "missing";
  }
}

/**
 * Turns valibot's issues into ours. A schema's own messages are phrases such as `must be a string`, to which the value found is added
 * unless its field may hold a secret.
 *
 * @param base Path of the validated value within the resource.
 * @param hidden Names further fields whose values must not be shown, by their path.
 */
export function toIssues(
  found: readonly v.BaseIssue<unknown>[],
  base = "",
  hidden: (path: string) => boolean = () => false,
): Issue[] {
  const issues: Issue[] = [];
  const fields = new Set<string>();
  for (const issue of found) {
    if (issues.length === MAX_ISSUES) break;
    const { path, secret } = pathOf(issue, base);
    if (issue.type === "raw_check") issues.push({ path, message: issue.message });
    // A field that fails one check of its own often fails the next for the same reason.
    else if (!fields.has(path)) issues.push({ path, message: messageOf(issue, secret || hidden(path)) });
    fields.add(path);
  }
  return issues;
}

function pathOf(issue: v.BaseIssue<unknown>, base: string): { readonly path: string; readonly secret: boolean } {
  let path = base;
  let secret = false;
  for (const { key } of issue.path ?? []) {
    path = toPath(path, typeof key === "number" ? key : String(key));
    secret ||= typeof key === "string" && SECRET_FIELD.test(key);
  }
  return { path, secret };
}

function messageOf(issue: v.BaseIssue<unknown>, hidden: boolean): string {
  if (issue.kind === "schema" && issue.input === undefined) return "is required";
  const message = issue.message.startsWith("must ") ? issue.message : expectation(issue);
  return `${message}, is ${describe(issue.input, hidden)}`;
}

/** For schemas without a message of their own, as plugins of the user's have: valibot's text would show the value. */
function expectation(issue: v.BaseIssue<unknown>): string {
  if (issue.kind === "schema" && issue.type === "never") return "must not be there";
  return `must be ${issue.expected ?? `valid (${issue.type})`}`;
}
