import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileSource } from "../../src/sources/file.ts";
import { sourceContract } from "./source.ts";

sourceContract("file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gatewatch-file-"));
  const path = join(folder, "resources.json");
  const content = new Map<string, string>();

  // The contract's values have no id: it is in the key, and the file wants it in the item.
  async function save(): Promise<void> {
    const sections: Record<string, object[]> = { routes: [], upstreams: [] };
    for (const [key, value] of content) {
      const [section = "", id = ""] = key.split("/");
      sections[section]?.push({ ...JSON.parse(value), id });
    }
    await writeFile(`${path}.new`, JSON.stringify(sections));
    await rename(`${path}.new`, path);
  }

  await save();
  return {
    open: () => withoutIds(fileSource(path)),
    async write(changes) {
      for (const [key, value] of Object.entries(changes)) {
        if (value === undefined) content.delete(key);
        else content.set(key, value);
      }
      await save();
    },
    async clear() {
      content.clear();
      await save();
    },
    close: () => rm(folder, { recursive: true }),
  };
});

/** The contract compares values as it wrote them. */
function withoutIds(source: ReturnType<typeof fileSource>): ReturnType<typeof fileSource> {
  const strip = (value: Uint8Array): Uint8Array => {
    const { id: _, ...rest } = JSON.parse(new TextDecoder().decode(value)) as Record<string, unknown>;
    return new TextEncoder().encode(JSON.stringify(rest));
  };
  return {
    ...source,
    async *read(signal) {
      for await (const batch of source.read(signal)) {
        yield {
          ...batch,
          changes: batch.changes.map((change) => ({
            ...change,
            value: change.value === undefined ? undefined : strip(change.value),
          })),
        };
      }
    },
  };
}
