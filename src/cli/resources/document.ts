import { readFile } from "node:fs/promises";
import { parseKey } from "../../config/key.ts";
import type { Kind } from "../../config/kinds.ts";
import { type LayoutItem, parseLayout, type Position } from "../../sources/file-layout.ts";
import { UsageError } from "../usage-error.ts";
import { readInput } from "./terminal.ts";
import { isFields, storedForm } from "./value.ts";

/** A resource that a file asks for. */
export interface Wanted {
  /** Below the prefix, as in `routes/1`. */
  readonly key: string;
  readonly kind: Kind;
  readonly id: string;
  /** As it is to be stored. */
  readonly value: unknown;
  readonly file: string;
  /** Where it stands, or a field of it. */
  locate(path: readonly (string | number)[]): Position | undefined;
}

/** Something to say of a file. */
export interface FileIssue {
  readonly level: "error" | "warning";
  readonly file: string;
  readonly position: Position | undefined;
  /** As in `routes/1`; `undefined` where it is about the file. */
  readonly key: string | undefined;
  /** Within the resource, as in `upstream.nodes[0].port`. */
  readonly path: string;
  readonly message: string;
}

/** What files hold. */
export interface Documents {
  readonly wanted: readonly Wanted[];
  readonly issues: readonly FileIssue[];
}

/** Files are read whole. */
const MAX_BYTES = 256 << 20;

/**
 * Reads resources files (`-` is standard input) as one configuration.
 *
 * @param positions `false` is much faster for JSON; issues then have no position.
 * @throws UsageError where a file cannot be read.
 */
export async function readDocuments(paths: readonly string[], options: { positions: boolean }): Promise<Documents> {
  const texts: (readonly [file: string, text: string])[] = [];
  for (const path of paths) texts.push([path === "-" ? "<stdin>" : path, await readText(path)]);
  return await parseDocuments(texts, options);
}

/** As {@link readDocuments}, for texts that were read. */
export async function parseDocuments(
  texts: readonly (readonly [file: string, text: string])[],
  options: { readonly positions: boolean },
): Promise<Documents> {
  const wanted = new Map<string, Wanted>();
  const issues: FileIssue[] = [];
  for (const [file, text] of texts) {
    const layout = await parseLayout(text, options);
    for (const { message, position } of layout.issues) {
      issues.push({ level: "error", file, position, key: undefined, path: "", message });
    }
    for (const item of layout.items) {
      const found = toWanted(item, file);
      if (typeof found === "string") {
        issues.push({ level: "error", file, position: item.position, key: item.key, path: "", message: found });
        continue;
      }
      const first = wanted.get(item.key);
      if (first === undefined) wanted.set(item.key, found);
      else {
        const message = `is in ${first.file} as well: one of them must go`;
        issues.push({ level: "error", file, position: item.position, key: item.key, path: "", message });
      }
    }
  }
  return { wanted: [...wanted.values()], issues };
}

async function readText(path: string): Promise<string> {
  try {
    if (path === "-") return await readInput(MAX_BYTES);
    return new TextDecoder("utf-8", { fatal: true }).decode(await readFile(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === "ENOENT"
      ? "there is no such file"
      : error instanceof TypeError
      ? "it is no UTF-8"
      : message;
    throw new UsageError([`Cannot read ${path}: ${reason}`]);
  }
}

function toWanted({ key, json, locate, position }: LayoutItem, file: string): Wanted | string {
  const parsed = parseKey(key);
  if (parsed === "ignored") return "is nothing that a gateway reads";
  if (parsed.kind === "unknown") return parsed.reason;
  const { kind, id } = parsed;
  const value = JSON.parse(json) as unknown;
  return {
    key,
    kind,
    id,
    value: isFields(value) ? storedForm(kind, id, value) : value,
    file,
    locate: (path) => path.length === 0 ? position : locate(path),
  };
}
