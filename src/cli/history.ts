import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { compareValues } from "./resources/compare.ts";
import { readName } from "./resources/flags.ts";
import { type Version, walkHistory } from "./resources/history-walk.ts";
import { redact } from "./resources/secrets.ts";
import { outputPaint } from "./resources/terminal.ts";
import { contentOf, decodeValue } from "./resources/value.ts";
import { Failure, withTarget } from "./resources/with-target.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch history`: what a resource was, newest first, from etcd's own history. */
export async function history(input: CommandInput): Promise<number> {
  const { flags } = input;
  const named = readName(flags, "history");
  const text = flags.values.get("limit")?.at(-1) ?? "20";
  if (!/^[1-9]\d{0,3}$/.test(text)) {
    throw new UsageError([`--limit: Cannot use "${text}": write a number from 1 to 9999`]);
  }
  return await withTarget(input, async (target) => {
    const { versions, compacted } = await walkHistory(target, named.key, Number(text));
    if (versions.length === 0) throw new Failure(`There is no ${named.kind} ${named.id} in what etcd still knows`);
    const { catalogue } = createChecker();
    const valueOf = ({ entry }: Version): unknown =>
      entry === undefined ? undefined : redact(named.kind, decodeValue(entry.value)?.value, catalogue);
    if (flags.switches.has("json")) {
      const told = versions.map((version) => ({
        revision: version.revision,
        deleted: version.entry === undefined,
        ...(version.entry === undefined ? {} : { value: valueOf(version) }),
      }));
      console.log(JSON.stringify({ key: named.key, versions: told, compacted }, null, 2));
      return EXIT.done;
    }
    const paint = outputPaint();
    for (const [index, version] of versions.entries()) {
      const older = versions[index + 1];
      console.log(`${paint("bold", `revision ${version.revision}`)} ${what(version, older)}`);
      if (version.entry === undefined || older?.entry === undefined) continue;
      const fields = compareValues(contentOf(named.kind, valueOf(older)), contentOf(named.kind, valueOf(version)));
      for (const { path, before, after } of fields) {
        console.log(`    ${path}: ${shown(before)} -> ${shown(after)}`);
      }
    }
    if (compacted) console.log("Older revisions are compacted: etcd does not know them any more");
    return EXIT.done;
  });
}

function what({ entry, revision }: Version, older: Version | undefined): string {
  if (entry === undefined) return "deleted";
  if (entry.createRevision === revision) return "created";
  return older === undefined ? "changed (what was before is not shown)" : "changed";
}

const shown = (value: unknown): string => value === undefined ? "(none)" : JSON.stringify(value).slice(0, 200);
