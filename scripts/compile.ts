/**
 * Makes one file of the whole gateway: `bun scripts/compile.ts [--outfile FILE] [--entry FILE] [--target bun-linux-arm64]`.
 */
import { mkdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { ROOT } from "./root.ts";

const { values } = parseArgs({
  options: {
    outfile: { type: "string", default: join(ROOT, "build/gatewatch") },
    entry: { type: "string", default: join(ROOT, "src/entries/bun.ts") },
    target: { type: "string" },
  },
});

mkdirSync(dirname(values.outfile), { recursive: true });
const result = await Bun.build({
  entrypoints: [values.entry],
  target: "bun",
  minify: { syntax: true, whitespace: true }, // Names stay, for stack traces.
  format: "esm",
  // Start is most of what a command takes: what it does not import is not read, and what it does has been compiled here already.
  splitting: true,
  bytecode: true,
  compile: {
    outfile: values.outfile,
    // What the executable does must not depend on files of the folder that it is started in.
    autoloadDotenv: false,
    autoloadBunfig: false,
    ...(values.target === undefined ? {} : { target: values.target as Bun.Build.CompileTarget }),
  },
});
for (const log of result.logs) console.error(log);
if (!result.success) process.exit(1);
console.log(`${relative(process.cwd(), values.outfile)}: ${(Bun.file(values.outfile).size / 2 ** 20).toFixed(0)} MiB`);
