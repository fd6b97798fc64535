import type { Plugin } from "../pipeline/plugin.ts";

/** The plugins that every gateway has; an explicit list, so that importing a file never changes what is served. */
export const builtinPlugins: readonly Plugin[] = [];
