import { readFile } from "node:fs/promises";
import { UsageError } from "./usage-error.ts";

/** One key of a settings file. */
export interface FileEntry {
  readonly texts: readonly string[];
  /** `gatewatch.yaml:3`. */
  readonly where: string;
  /** Set where the value is neither a text, a number, true, false nor a list of these. */
  readonly problem?: string;
}

/** A settings file is small; a larger one is something else, named by mistake. */
const MAX_BYTES = 1024 * 1024;

/**
 * Reads a settings file in YAML or JSON (which is YAML): a flat map from setting names (`etcd-user`) to values or lists.
 * Every scalar is taken as it is written, so that a password of digits stays one.
 *
 * @param required False: no file is no error, and yields undefined.
 * @throws UsageError where the file cannot be read or is no such map.
 */
export async function readSettingsFile(
  path: string,
  required: boolean,
): Promise<ReadonlyMap<string, FileEntry> | undefined> {
  let content: string;
  try {
    const bytes = await readFile(path);
    if (bytes.length > MAX_BYTES) throw new Error(`it has ${bytes.length} bytes, and ${MAX_BYTES} are allowed`);
    content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!required && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw new UsageError([`Cannot read the settings file ${path}: ${reason(error as NodeJS.ErrnoException)}`]);
  }

  // Loaded here, since most starts need no YAML.
  const { isMap, isScalar, isSeq, LineCounter, parseDocument } = await import("yaml");
  const lines = new LineCounter();
  const document = parseDocument(content, { schema: "failsafe", lineCounter: lines, prettyErrors: false });
  const first = document.errors[0];
  if (first !== undefined) {
    const { line, col } = lines.linePos(first.pos[0]);
    throw new UsageError([`${path}:${line}:${col}: Cannot read this as YAML: ${first.message}`]);
  }

  const entries = new Map<string, FileEntry>();
  const root = document.contents;
  if (root === null || (isScalar(root) && root.value === "")) return entries;
  if (!isMap(root)) throw new UsageError([`${path}: Cannot read the settings: write one "name: value" on each line`]);
  for (const { key, value } of root.items) {
    const name = isScalar(key) ? String(key.value) : String(key);
    const range = isScalar(key) ? key.range : undefined;
    const where = range ? `${path}:${lines.linePos(range[0]).line}` : path;
    if (value === null || isScalar(value)) entries.set(name, { texts: [scalarText(value)], where });
    else if (isSeq(value) && value.items.every((item) => isScalar(item))) {
      entries.set(name, { texts: value.items.map(scalarText), where });
    } else entries.set(name, { texts: [], where, problem: "Cannot use a map here: write a value or a list of values" });
  }
  return entries;
}

function scalarText(node: unknown): string {
  const value = (node as { value?: unknown } | null)?.value;
  return value === null || value === undefined ? "" : String(value);
}

function reason(error: NodeJS.ErrnoException): string {
  if (error.code === "ENOENT") return "there is no such file";
  if (error.code === "EACCES" || error.code === "EPERM") return "permission denied";
  if (error.code === "EISDIR") return "it is a directory";
  return error.message;
}
