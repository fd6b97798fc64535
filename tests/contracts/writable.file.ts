import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSource } from "../../src/sources/file.ts";
import { writableContract } from "./writable.ts";

/** The contract over a file with this name and content; a second source over it stands for another process. */
export function writableFileContract(name: string, content: string): void {
  let folder: string;
  const open = () => Promise.resolve(fileSource(join(folder, name)));
  writableContract(`file ${name}`, {
    async open() {
      folder = await mkdtemp(join(tmpdir(), "gatewatch-writable-"));
      await writeFile(join(folder, name), content);
      return open();
    },
    close: () => rm(folder, { recursive: true }),
    ttl: false,
    history: false,
  });
}
