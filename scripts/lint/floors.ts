/**
 * The one list of the floors that `src/` is built of, and what an import may do among them. `deno lint` reads it through
 * `plugin.ts`; `tests/unit/floors.test.ts` proves that it bites; `docs/architecture.md` draws it.
 */

/** A floor holds folders and files of `src/`. Lowest first: an import points to a lower floor or stays on its own. */
export const floors: readonly (readonly string[])[] = [
  ["errors.ts", "version.ts", "config", "net"],
  ["store", "secrets"],
  ["match"],
  ["pipeline", "plugins"],
  ["upstream", "forward"],
  ["gateway"],
  ["sources", "observe", "admin"],
  ["runtimes", "cli"],
  ["entries"],
];

/** Lists of public names, outside the floors: may import any of them, and nobody imports these. */
export const publicFiles: readonly string[] = ["mod.ts"];

/** The floors up to this one use web standards only. */
export const standardsFloor = 5;

/** Packages that need sockets or files, and so a runtime: not for the floors that use web standards only. */
export const runtimePackages: readonly string[] = [
  "@grpc/grpc-js",
  "@hono/node-server",
  "@redis/client",
  "etcd3",
  "protobufjs",
  "undici7",
  "ws",
];

/** Names that only one runtime has, or that the three give different meanings. */
export const runtimeNames: readonly string[] = [
  "Deno",
  "Bun",
  "process",
  "Buffer",
  "require",
  "__dirname",
  "__filename",
];

/** Folders whose files do not import one another, apart from their explicit list and what is shared under `_`. */
export const apartFolders: readonly string[] = ["plugins"];

/** The floor and the folder that a path inside `src/` belongs to; undefined for a path that no floor names. */
export function floorOf(path: string): { floor: number; folder: string } | undefined {
  const folder = path.split("/", 1)[0] ?? "";
  const floor = floors.findIndex((names) => names.includes(folder));
  return floor < 0 ? undefined : { floor, folder };
}

/** Joins a relative import onto the file that writes it, as a path inside `src/`; undefined where it leaves `src/`. */
function resolveImport(importer: string, specifier: string): string | undefined {
  const parts = importer.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

function packageOf(specifier: string): string {
  return specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/");
}

/**
 * Why `importer` (a path inside `src/`) may not import `specifier`; undefined where it may.
 *
 * @example
 * ```ts
 * refuseImport("net/path.ts", "../store/store.ts"); // "net/ is on floor 0 and may not import store/ on floor 1"
 * ```
 */
export function refuseImport(importer: string, specifier: string): string | undefined {
  const from = floorOf(importer);
  const isPublic = publicFiles.includes(importer);
  if (from === undefined && !isPublic) {
    return `src/${importer} is on no floor: put it in a folder that scripts/lint/floors.ts lists`;
  }
  const standards = from !== undefined && from.floor <= standardsFloor;
  if (!specifier.startsWith(".")) {
    if (standards && (specifier.startsWith("node:") || runtimePackages.includes(packageOf(specifier)))) {
      return `${from.folder} is on floor ${from.floor}, where only web standards are used: "${specifier}" needs a runtime`;
    }
    return undefined;
  }
  const target = resolveImport(importer, specifier);
  if (target === undefined) return `src/ may not import "${specifier}" from outside src/`;
  if (publicFiles.includes(target)) return `src/${target} lists public names for others: import the file that has it`;
  const to = floorOf(target);
  if (to === undefined) return `src/${target} is on no floor: import from a folder that scripts/lint/floors.ts lists`;
  if (from === undefined) return undefined;
  if (to.floor > from.floor) {
    return `${from.folder} is on floor ${from.floor} and may not import ${to.folder} on floor ${to.floor}`;
  }
  const shared = target.split("/").some((part) => part.startsWith("_"));
  if (
    apartFolders.includes(to.folder) && from.folder === to.folder && importer !== `${from.folder}/index.ts` && !shared
  ) {
    return `the files of ${from.folder} do not import one another: move what both need to a lower floor`;
  }
  return undefined;
}
