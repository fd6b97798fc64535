import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { it } from "node:test";
import { VERSION } from "../../src/version.ts";
import { ROOT } from "../../scripts/root.ts";

it("the version that the command prints is the package's", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  assert.equal(VERSION, manifest.version);
});
