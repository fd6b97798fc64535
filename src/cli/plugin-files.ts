import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "../pipeline/plugin.ts";
import { UsageError } from "./usage-error.ts";

/**
 * Loads plugins of the operator's own: every plugin that a file exports, by whatever name.
 *
 * @throws UsageError where a file cannot be loaded or exports none.
 */
export async function loadPlugins(files: readonly string[]): Promise<Plugin[]> {
  const plugins: Plugin[] = [];
  for (const file of files) {
    let exported: Record<string, unknown>;
    try {
      exported = await import(pathToFileURL(resolve(file)).href) as Record<string, unknown>;
    } catch (error) {
      throw new UsageError([`--plugin: Cannot load ${file}: ${(error as Error).message}`]);
    }
    const found = Object.values(exported).filter(isPlugin);
    if (found.length === 0) {
      throw new UsageError([`--plugin: Cannot use ${file}: it must export a plugin that definePlugin() made`]);
    }
    plugins.push(...found);
  }
  return plugins;
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === "object" && value !== null && "name" in value && typeof value.name === "string" &&
    "priority" in value && typeof value.priority === "number" && "schema" in value &&
    "create" in value && typeof value.create === "function";
}
