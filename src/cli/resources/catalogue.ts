import { createInspector } from "../../gateway/inspect.ts";
import { pluginReferences } from "../../gateway/plugin-references.ts";
import type { ParseOptions } from "../../config/parse.ts";
import type { RouterName } from "../../match/route.ts";
import { type Catalogue, createCatalogue } from "../../pipeline/catalogue.ts";
import { builtinPlugins } from "../../plugins/index.ts";
import { CHECKED_ONLY } from "../../runtimes/tls/check-certificate.ts";
import type { ReferenceExtractor } from "../../store/references.ts";

/** What a gateway of this version would say of a resource, without one. */
export interface Checker {
  readonly catalogue: Catalogue;
  readonly parse: ParseOptions;
  readonly references: ReferenceExtractor;
  readonly router: RouterName;
}

/** Makes what resources are checked with: strictly, as the Admin API does. */
export function createChecker(router: RouterName = "radixtree_host_uri"): Checker {
  // The command's own gateway has Redis, so that configurations that need it are good.
  const catalogue = createCatalogue([...builtinPlugins], { redis: true });
  return {
    catalogue,
    parse: { mode: "strict", plugins: catalogue, inspect: createInspector(router, CHECKED_ONLY) },
    references: pluginReferences(catalogue),
    router,
  };
}
