import { readFile } from "node:fs/promises";
import process from "node:process";
import { type CommandInput, EXIT } from "./command.ts";
import type { Importer } from "./import/resources.ts";
import { toYaml } from "./resources/dump-text.ts";
import { readInput } from "./resources/terminal.ts";
import { isFields } from "./resources/value.ts";
import { UsageError } from "./usage-error.ts";

const MAX_BYTES = 64 << 20;

const FORMATS: Readonly<Record<string, () => Promise<Importer>>> = {
  apisix: async () => (await import("./import/apisix.ts")).importApisix,
  openapi: async () => (await import("./import/openapi.ts")).importOpenapi,
  traefik: async () => (await import("./import/traefik.ts")).importTraefik,
};

/** `gatewatch import`: another program's file as resources, and a line for each thing that has no counterpart. */
export async function importFile({ flags }: CommandInput): Promise<number> {
  const [format, path] = flags.positionals;
  const load = format !== undefined && Object.hasOwn(FORMATS, format) ? FORMATS[format] : undefined;
  if (load === undefined || path === undefined) {
    throw new UsageError([
      `Write a format and a file, as in gatewatch import openapi api.yaml: formats are ${
        Object.keys(FORMATS).join(", ")
      }`,
    ]);
  }
  const document = await readDocument(path);
  const upstream = flags.values.get("upstream")?.at(-1);
  if (upstream !== undefined && !/^https?:\/\/[^/]/.test(upstream)) {
    throw new UsageError([`--upstream: Cannot use "${upstream}": write http://HOST:PORT or https://HOST:PORT`]);
  }
  const importer = await load();
  const { sections, notes } = importer(document, upstream === undefined ? {} : { upstream });
  for (const note of notes) console.error(`Note: ${note}`);
  const present = Object.fromEntries(Object.entries(sections).filter(([, list]) => list.length > 0));
  if (Object.keys(present).length === 0) {
    console.error(`gatewatch: Nothing in ${path} has a counterpart: is it a file of ${format}?`);
    return EXIT.failed;
  }
  process.stdout.write(
    flags.switches.has("json") ? `${JSON.stringify(present, null, 2)}\n` : await toYaml(present),
  );
  return EXIT.done;
}

async function readDocument(path: string): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = path === "-" ? await readInput(MAX_BYTES) : await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError([`Cannot read ${path}: ${(error as Error).message}`]);
  }
  const { parse } = await import("yaml");
  let value: unknown;
  try {
    value = parse(text, { prettyErrors: false, merge: true, maxAliasCount: 100 });
  } catch (error) {
    throw new UsageError([`Cannot read ${path}: it is neither YAML nor JSON (${(error as Error).message})`]);
  }
  if (isFields(value)) return value;
  throw new UsageError([`Cannot read ${path}: it is no object with sections`]);
}
