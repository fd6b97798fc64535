import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { ROOT } from "../../scripts/root.ts";

// `UPDATE_DOCS=1` writes the blocks anew instead of comparing them; then `deno fmt docs`.
const update = process.env.UPDATE_DOCS === "1";

/** Compares what stands between `<!-- NAME -->` and `<!-- end -->` on a page of `docs` with what it should be. */
export function checkDocBlock(file: string, name: string, expected: string): void {
  const path = join(ROOT, "docs", file);
  const page = readFileSync(path, "utf8");
  const mark = `<!-- ${name} -->`;
  const start = page.indexOf(mark);
  assert.ok(start >= 0, `${file} has no ${mark}`);
  const from = start + mark.length;
  const next = page.indexOf("<!-- ", from);
  const end = page.startsWith("<!-- end -->", next) ? next : -1;
  assert.ok(end >= 0 || update, `${file}: ${mark} has no end`);
  if (update) {
    const rest = end < 0 ? `<!-- end -->\n${page.slice(from)}` : page.slice(end);
    writeFileSync(path, `${page.slice(0, from)}\n\n${expected.trim()}\n\n${rest}`);
    return;
  }
  // The formatter pads the columns of a table.
  const squeeze = (text: string) =>
    text.trim().split("\n").map((line) => line.startsWith("|") ? line.replace(/ +/g, " ").replace(/-+/g, "-") : line)
      .join("\n");
  assert.equal(squeeze(page.slice(from, end)), squeeze(expected));
}
