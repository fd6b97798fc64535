import { readFile } from "node:fs/promises";
import { quote } from "../config/issue.ts";
import type { Kind } from "../config/kinds.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { compareValues } from "./resources/compare.ts";
import { type Named, readName, readRevision } from "./resources/flags.ts";
import { refuseBad } from "./resources/one.ts";
import { REDACTED, restore } from "./resources/secrets.ts";
import { readInput } from "./resources/terminal.ts";
import { contentOf, decodeValue, encodeValue, type Fields, isFields, storedForm } from "./resources/value.ts";
import { Failure, withTarget } from "./resources/with-target.ts";
import { UsageError } from "./usage-error.ts";

/** Bytes of one value that are read; what a gateway takes is less. */
const MAX_BYTES = 4 << 20;

/** `gatewatch put`: one resource, from a file or standard input, unless somebody else wrote it meanwhile. */
export async function put(input: CommandInput): Promise<number> {
  const { flags } = input;
  const named = readName(flags, "put");
  const revision = readRevision(flags, "revision");
  const given = await readValue(flags.values.get("file")?.at(-1) ?? "-");
  const checker = createChecker();
  return await withTarget(input, async (target) => {
    refuseOtherId(named, given);
    const { entry } = await target.get(named.key);
    const stored = entry?.modRevision ?? 0;
    if (revision !== undefined && revision !== stored) throw new Failure(conflict(named.key, stored));
    const { catalogue } = checker;
    const held = entry === undefined ? undefined : decodeValue(entry.value)?.value;
    const before = await target.sealing.open(named.kind, held, catalogue);
    const asked = storedForm(named.kind, named.id, given);
    const { value, missing } = restore(await target.sealing.open(named.kind, asked, catalogue), before);
    if (missing.length > 0) {
      throw new Failure(`Cannot write ${named.key}: ${missing[0]} is ${REDACTED}, and nothing is stored there`);
    }
    await refuseBad(target, named, value, checker);
    const same = entry !== undefined &&
      compareValues(contentOf(named.kind, before), contentOf(named.kind, value)).length === 0;
    if (same) return tell("unchanged", stored);
    const sealed = await target.sealing.close(named.kind, value, [held, asked], catalogue);
    const guards = [{ key: named.key, modRevision: stored }];
    const result = await target.commit({ puts: [{ key: named.key, value: encodeValue(sealed) }], guards });
    if (!result.ok) throw new Failure(conflict(named.key, undefined));
    return tell(entry === undefined ? "created" : "changed", result.revision);
  });

  function tell(what: string, at: number): number {
    if (flags.switches.has("json")) console.log(JSON.stringify({ key: named.key, result: what, revision: at }));
    else console.log(`${named.key} ${what} at revision ${at}`);
    return EXIT.done;
  }
}

/** Kinds whose values have no `id`: the key alone tells, or another field. */
const NAMELESS: ReadonlySet<Kind> = new Set<Kind>(["consumer", "node", "plugin_list", "upstream_node"]);

/** A value that says that it is another one is in the wrong place, as for the Admin API. @throws Failure */
function refuseOtherId({ kind, id, key }: Named, value: Fields): void {
  const own = value["id"];
  if (NAMELESS.has(kind) || (typeof own !== "string" && typeof own !== "number")) return;
  // A credential and a secret may call themselves by the last part alone.
  if (String(own) === id || String(own) === id.slice(id.lastIndexOf("/") + 1)) return;
  throw new Failure(`Cannot write ${key}: wrong ${kind.replace("_", " ")} id: the value has ${quote(String(own), 64)}`);
}

function conflict(key: string, stored: number | undefined): string {
  if (stored === 0) return `Cannot write ${key}: it is not there any more, or not yet`;
  const at = stored === undefined ? "meanwhile" : `at revision ${stored}`;
  return `Cannot write ${key}: somebody else wrote it ${at}; get it again, and put your change to that`;
}

/** YAML or JSON: the value alone, as a file's entry. @throws UsageError */
async function readValue(path: string): Promise<Fields> {
  let text: string;
  try {
    text = path === "-" ? await readInput(MAX_BYTES) : await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError([`Cannot read ${path === "-" ? "standard input" : path}: ${(error as Error).message}`]);
  }
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: false });
  } catch (error) {
    throw new UsageError([`Cannot read the value: it is neither JSON nor YAML (${(error as Error).message})`]);
  }
  if (isFields(value)) return value;
  throw new UsageError(['Cannot use the value: write an object, as in {"uri":"/a","upstream_id":"1"}']);
}
