import { writeFile } from "node:fs/promises";
import process from "node:process";
import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { toDump, toYaml } from "./resources/dump-text.ts";
import { readOwner } from "./resources/flags.ts";
import { counted } from "./resources/terminal.ts";
import { Failure, withTarget } from "./resources/with-target.ts";

/** `gatewatch dump`: what is stored, as a resources file. */
export async function dump(input: CommandInput): Promise<number> {
  const { flags } = input;
  const showSecrets = flags.switches.has("show-secrets");
  const owner = readOwner(flags);
  const path = flags.values.get("output")?.at(-1);
  return await withTarget(input, async (target) => {
    const { entries } = await target.list("");
    const { catalogue } = createChecker();
    const { sections, resources, left } = toDump(entries, { catalogue, owner, showSecrets });
    const text = flags.switches.has("json") ? `${JSON.stringify(sections, null, 2)}\n` : await toYaml(sections);
    for (const line of left) console.error(`Left out: ${line}`);
    if (path === undefined) process.stdout.write(text);
    else {
      try {
        // With secrets in it, it is for its owner alone.
        await writeFile(path, text, showSecrets ? { mode: 0o600 } : {});
      } catch (error) {
        throw new Failure(`Cannot write ${path}: ${(error as Error).message}`);
      }
      console.error(`${counted(resources, "resource")} written to ${path}`);
    }
    return EXIT.done;
  });
}
