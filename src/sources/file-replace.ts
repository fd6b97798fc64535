import { open, realpath, rename, rm, stat } from "node:fs/promises";
import { WriteError } from "../store/writable.ts";

/**
 * Puts a text in the place of a file's, all at once: whoever reads the file meanwhile reads the old text or the new one. Rights stay as they
 * are, and a link goes on leading to the same file.
 *
 * @param allowed Asked last, when all that is left to do is to rename; where it says no, nothing is changed.
 * @returns Whether it was replaced.
 * @throws WriteError `refused` where the system does not let us.
 */
export async function replaceFile(path: string, text: string, allowed: () => Promise<boolean>): Promise<boolean> {
  let fresh: string | undefined;
  try {
    const target = await realpath(path);
    const { mode } = await stat(target);
    fresh = `${target}.${crypto.randomUUID().slice(0, 8)}.tmp`;
    const file = await open(fresh, "wx", mode & 0o777);
    try {
      await file.writeFile(text);
      // Where the machine loses its power, the name must not be there before the content.
      await file.sync();
    } finally {
      await file.close();
    }
    if (!await allowed()) return false;
    await rename(fresh, target);
    fresh = undefined;
    return true;
  } catch (error) {
    throw new WriteError("refused", `${path}: cannot be written: ${(error as Error).message}`, { cause: error });
  } finally {
    if (fresh !== undefined) await rm(fresh, { force: true }).catch(() => undefined);
  }
}
