import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { readName, readRevision } from "./resources/flags.ts";
import { dependentsOf } from "./resources/one.ts";
import { Failure, withTarget } from "./resources/with-target.ts";

/** How many of the resources that need one are named. */
const NAMED = 5;

/** `gatewatch delete`: one resource, unless others refer to it or somebody else wrote it meanwhile. */
export async function deleteOne(input: CommandInput): Promise<number> {
  const { flags } = input;
  const named = readName(flags, "delete");
  const revision = readRevision(flags, "revision");
  return await withTarget(input, async (target) => {
    const { entry } = await target.get(named.key);
    if (entry === undefined) throw new Failure(`Cannot delete ${named.key}: there is none at ${target.origin}`);
    if (revision !== undefined && revision !== entry.modRevision) {
      throw new Failure(`Cannot delete ${named.key}: somebody else wrote it at revision ${entry.modRevision}`);
    }
    if (!flags.switches.has("force")) {
      const { entries } = await target.list("");
      const users = dependentsOf(entries, named, createChecker());
      if (users.length > 0) {
        const shown = users.slice(0, NAMED).join(", ");
        const more = users.length > NAMED ? ` and ${users.length - NAMED} more` : "";
        throw new Failure(
          `Cannot delete ${named.key}: ${shown}${more} refer to it; give --force to delete it all the same`,
        );
      }
    }
    const guards = [{ key: named.key, modRevision: entry.modRevision }];
    const result = await target.commit({ deletes: [named.key], guards });
    if (!result.ok) throw new Failure(`Cannot delete ${named.key}: somebody else wrote it meanwhile; look at it again`);
    if (flags.switches.has("json")) {
      console.log(JSON.stringify({ key: named.key, result: "deleted", revision: result.revision }));
    } else console.log(`${named.key} deleted at revision ${result.revision}`);
    return EXIT.done;
  });
}
