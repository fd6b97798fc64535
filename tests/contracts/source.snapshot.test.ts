import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { protectSource } from "../../src/sources/protect.ts";
import { memoryContract } from "./source.memory.ts";

const folder = mkdtempSync(join(tmpdir(), "gatewatch-snapshot-"));
after(() => rmSync(folder, { recursive: true }));

let number = 0;
memoryContract(
  "memory behind a guard and a snapshot",
  (source) => protectSource(source, { snapshot: { file: join(folder, String(number++)) } }),
);
