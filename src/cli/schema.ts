import { parseKind } from "../admin/kind-name.ts";
import { KINDS } from "../config/kinds.ts";
import { jsonSchema } from "../config/schemas.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { suggest } from "./suggest.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch schema`: the JSON Schema of one kind, or of all by their names. */
export function schema({ flags }: CommandInput): Promise<number> {
  const [name] = flags.positionals;
  const options = { strict: flags.switches.has("strict") };
  console.log(JSON.stringify(name === undefined ? allSchemas(options) : jsonSchema(kindOf(name), options), null, 2));
  return Promise.resolve(EXIT.done);
}

function allSchemas(options: { strict: boolean }): Record<string, unknown> {
  return Object.fromEntries(KINDS.map((kind) => [kind, jsonSchema(kind, options)]));
}

function kindOf(name: string) {
  const kind = parseKind(name);
  if (kind !== undefined) return kind;
  const meant = suggest(name, KINDS);
  throw new UsageError([
    `Unknown kind "${name}"${meant === undefined ? "" : `: did you mean ${meant}?`} Kinds are ${KINDS.join(", ")}`,
  ]);
}
