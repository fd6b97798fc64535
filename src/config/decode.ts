import { type Issue, MAX_ISSUES, toPath } from "./issue.ts";

/** Largest value of one key unless set otherwise: 256 KiB. */
export const DEFAULT_MAX_BYTES: number = 256 * 1024;

/** Deepest nesting of objects and arrays. Deeper values overflow the stack of whoever walks them by recursion. */
export const MAX_DEPTH = 32;

// One for all: it keeps nothing between two calls, also where one throws.
const decoder = new TextDecoder("utf-8", { fatal: true });

/** A stored value as JSON, or why it is none. */
export type Decoded =
  | {
    readonly ok: true;
    readonly value: unknown;
    /** Whether a text in it begins with `$`, as a reference to a secret does. */
    readonly references: boolean;
  }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Names through which assigning a property would reach an object's prototype. */
const BANNED: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Reads bytes as JSON, without trusting them: the size is checked first, then the encoding, the syntax, the depth and the names of
 * fields. Of a name that occurs twice the last counts, as in `JSON.parse`. Never throws.
 *
 * @param maxBytes Default: {@link DEFAULT_MAX_BYTES}.
 */
export function decode(bytes: Uint8Array, maxBytes: number = DEFAULT_MAX_BYTES): Decoded {
  if (bytes.length > maxBytes) return failed(`must be at most ${maxBytes} bytes, is ${bytes.length}`);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return failed("must be UTF-8, is not");
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return failed(notJson(text));
  }
  const guarded = guard(value);
  if (guarded.issues.length > 0) return { ok: false, issues: guarded.issues };
  return { ok: true, value, references: guarded.references };
}

/** The engines' own messages quote the value, which may hold a secret, and differ between runtimes. */
function notJson(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "must be JSON, is empty";
  const start = `must be JSON, is not (${text.length} characters)`;
  // Shells take the quotes away, and bash then expands the braces: of {"host":"h","port":1} the value `host:h` is left.
  if (!trimmed.includes('"') && /^(\{\s*[A-Za-z_][\w-]*\s*:|[A-Za-z_][\w-]*:\S)/.test(trimmed)) {
    return `${start}: did the shell eat your quotes?`;
  }
  if (trimmed.startsWith("'")) return `${start}: it begins with a single quote`;
  if (/^[\w-]+\s*:(\s|$)/.test(trimmed)) return `${start}: it looks like YAML`;
  return start;
}

/** One object or array on the way, and how it was reached. */
interface Step {
  readonly value: object;
  readonly parent: Step | undefined;
  readonly key: string | number;
  readonly depth: number;
}

/** Walks a value without recursion, whose depth the writer would choose. */
function guard(value: unknown): { readonly issues: Issue[]; readonly references: boolean } {
  const issues: Issue[] = [];
  let references = isReferenceLike(value);
  const stack: Step[] = [];
  const visit = (child: unknown, parent: Step | undefined, key: string | number): void => {
    if (typeof child === "object" && child !== null) {
      stack.push({ value: child, parent, key, depth: (parent?.depth ?? 0) + 1 });
    } else if (typeof child === "number" && !Number.isFinite(child)) {
      issues.push({ path: pathOf(parent, key), message: "must be a number that a double can hold" });
    } else references ||= isReferenceLike(child);
  };
  visit(value, undefined, "");
  for (let step = stack.pop(); step !== undefined && issues.length < MAX_ISSUES; step = stack.pop()) {
    if (step.depth > MAX_DEPTH) {
      return { issues: [{ path: "", message: `must be at most ${MAX_DEPTH} levels deep` }], references };
    }
    if (Array.isArray(step.value)) {
      for (let index = 0; index < step.value.length; index++) visit(step.value[index], step, index);
      continue;
    }
    for (const [key, child] of Object.entries(step.value)) {
      if (BANNED.has(key)) issues.push({ path: pathOf(step, key), message: `must not be named ${key}` });
      else visit(child, step, key);
    }
  }
  return { issues, references };
}

function isReferenceLike(value: unknown): boolean {
  return typeof value === "string" && value.charCodeAt(0) === 36;
}

function pathOf(parent: Step | undefined, key: string | number): string {
  const keys: (string | number)[] = parent === undefined ? [] : [key];
  for (let step = parent; step?.parent !== undefined; step = step.parent) keys.push(step.key);
  return keys.reduceRight<string>(toPath, "");
}

function failed(message: string): Decoded {
  return { ok: false, issues: [{ path: "", message }] };
}
