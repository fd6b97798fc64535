import process from "node:process";
import { parseKey } from "../config/key.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { toYaml } from "./resources/dump-text.ts";
import { readKind, readName, readRevision } from "./resources/flags.ts";
import { sectionOf } from "./resources/kinds.ts";
import { redact } from "./resources/secrets.ts";
import { decodeValue } from "./resources/value.ts";
import { Failure, withTarget } from "./resources/with-target.ts";

/** `gatewatch get`: one resource as it is stored, or the ids of a kind. */
export async function get(input: CommandInput): Promise<number> {
  const { flags } = input;
  const [kindName, id] = flags.positionals;
  const kind = readKind(kindName, "get");
  const json = flags.switches.has("json");
  const revision = readRevision(flags, "revision");
  const at = revision === undefined ? {} : { revision };
  if (id === undefined && kind !== "node" && kind !== "plugin_list") {
    return await withTarget(input, async (target) => {
      const { entries } = await target.list(`${sectionOf(kind)}/`, at);
      const ids = entries.flatMap(({ key, value }) => {
        const parsed = parseKey(key, value);
        return parsed !== "ignored" && parsed.kind === kind ? [parsed.id] : [];
      });
      if (json) console.log(JSON.stringify(ids));
      else for (const each of ids) console.log(each);
      return EXIT.done;
    });
  }
  const named = readName(flags, "get");
  return await withTarget(input, async (target) => {
    const { entry } = await target.get(named.key, at);
    if (entry === undefined) {
      throw new Failure(`There is no ${named.kind} ${named.id} at ${target.origin}`);
    }
    const decoded = decodeValue(entry.value);
    if (decoded === undefined) throw new Failure(`Cannot show ${named.key}: its value is no JSON`);
    const { catalogue } = createChecker();
    const value = flags.switches.has("show-secrets") ? decoded.value : redact(named.kind, decoded.value, catalogue);
    const { key, createRevision, modRevision } = entry;
    if (json) console.log(JSON.stringify({ key, createRevision, modRevision, value }, null, 2));
    else process.stdout.write(`# ${key} at revision ${modRevision}\n${await toYaml(value)}`);
    return EXIT.done;
  });
}
