import { WriteError } from "../store/writable.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { compareValues } from "./resources/compare.ts";
import { readName, readRevision } from "./resources/flags.ts";
import { refuseBad } from "./resources/one.ts";
import { contentOf, decodeValue } from "./resources/value.ts";
import { Failure, withTarget } from "./resources/with-target.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch rollback`: writes again what a resource was at a revision, unless somebody else writes it meanwhile. */
export async function rollback(input: CommandInput): Promise<number> {
  const { flags } = input;
  const named = readName(flags, "rollback");
  const revision = readRevision(flags, "to");
  if (revision === undefined || revision === 0) {
    throw new UsageError([`Write the revision, as in gatewatch rollback ${named.kind} ${named.id} --to 42`]);
  }
  return await withTarget(input, async (target) => {
    const then = await target.get(named.key, { revision }).catch((error) => {
      if (!(error instanceof WriteError) || error.code !== "compacted") throw error;
      throw new Failure(
        `Cannot roll ${named.key} back to revision ${revision}: etcd does not know it (any more, or yet)`,
      );
    });
    if (then.entry === undefined) {
      throw new Failure(`Cannot roll ${named.key} back to revision ${revision}: it did not exist then`);
    }
    const value = decodeValue(then.entry.value)?.value;
    const { entry } = await target.get(named.key);
    const now = entry === undefined ? undefined : decodeValue(entry.value)?.value;
    if (entry !== undefined && compareValues(contentOf(named.kind, now), contentOf(named.kind, value)).length === 0) {
      return tell("unchanged", entry.modRevision);
    }
    const checker = createChecker();
    // What was stored then may have fields that only warn.
    await refuseBad(target, named, value, { ...checker, parse: { ...checker.parse, mode: "lenient" } });
    const guards = [{ key: named.key, modRevision: entry?.modRevision ?? 0 }];
    const result = await target.commit({ puts: [{ key: named.key, value: then.entry.value }], guards });
    if (!result.ok) {
      throw new Failure(`Cannot roll ${named.key} back: somebody else wrote it meanwhile; look at it again`);
    }
    return tell("rolled back", result.revision);
  });

  function tell(what: string, at: number): number {
    if (flags.switches.has("json")) {
      console.log(JSON.stringify({ key: named.key, result: what, to: revision, revision: at }));
    } else if (what === "unchanged") console.log(`${named.key} is as it was at revision ${revision}`);
    else console.log(`${named.key} is as it was at revision ${revision}: revision ${at}`);
    return EXIT.done;
  }
}
