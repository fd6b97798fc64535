import { floorOf, refuseImport, runtimeNames, standardsFloor } from "./floors.ts";

const src = decodeURIComponent(new URL("../../src/", import.meta.url).pathname);

/** The path inside `src/` of a file that is linted; undefined for a file elsewhere. */
function insideSrc(filename: string): string | undefined {
  const path = filename.replaceAll("\\", "/");
  return path.startsWith(src) ? path.slice(src.length) : undefined;
}

/** A rule for `deno lint`: imports among the floors of `src/`, type-only and dynamic ones included. */
const imports: Deno.lint.Rule = {
  create(context) {
    const path = insideSrc(context.filename);
    if (path === undefined) return {};
    const check = (node: Deno.lint.Node, source: Deno.lint.Node | null | undefined): void => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = refuseImport(path, source.value);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) =>
        check(node, node.argument.type === "TSLiteralType" ? node.argument.literal : node.argument),
    };
  },
};

/** A rule for `deno lint`: no name of one runtime on the floors that use web standards only. */
const standards: Deno.lint.Rule = {
  create(context) {
    const path = insideSrc(context.filename);
    const floor = path === undefined ? undefined : floorOf(path)?.floor;
    if (floor === undefined || floor > standardsFloor) return {};
    return {
      Identifier(node) {
        if (!runtimeNames.includes(node.name)) return;
        const parent = node.parent;
        // `headers.process` and `{ process: 1 }` name a member; `globalThis.process` is the runtime's.
        const isMember = parent.type === "MemberExpression" && parent.property === node && !parent.computed;
        if (isMember && !(parent.object.type === "Identifier" && parent.object.name === "globalThis")) return;
        const isKey = (parent.type === "Property" && parent.key === node && !parent.shorthand) ||
          parent.type === "TSPropertySignature" || parent.type === "TSMethodSignature" ||
          parent.type === "PropertyDefinition" || parent.type === "MethodDefinition";
        if (isKey) return;
        context.report({
          node,
          message: `floor ${floor} uses web standards only: "${node.name}" belongs to a runtime`,
        });
      },
    };
  },
};

const plugin: Deno.lint.Plugin = { name: "gatewatch", rules: { floors: imports, standards } };
export default plugin;
