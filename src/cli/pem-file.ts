import { readFile } from "node:fs/promises";
import { flagName, type Settings } from "./settings.ts";
import { UsageError } from "./usage-error.ts";

/**
 * The content of the PEM file that a setting names; undefined where it names none.
 *
 * @throws UsageError where it cannot be read or holds no PEM.
 */
export async function readPem(name: keyof Settings, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError([`--${flagName(name)}: Cannot read ${path}: ${(error as Error).message}`]);
  }
  if (content.includes("-----BEGIN ")) return content;
  throw new UsageError([`--${flagName(name)}: Cannot use ${path}: it holds no PEM ("-----BEGIN ...")`]);
}
