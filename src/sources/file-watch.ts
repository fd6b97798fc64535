import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** How to watch; times in milliseconds. */
export interface FileWatchOptions {
  /** Between two looks, for what the system does not tell. Default 1000. */
  readonly pollMs?: number;
  /** That events are gathered before the look that they cause. Default 15. */
  readonly gatherMs?: number;
}

/**
 * What tells one state of a file from another; `undefined` where there is no file. Following links, so that a swapped link is
 * another file.
 */
export async function fileStamp(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
  } catch {
    return undefined;
  }
}

/**
 * Calls `look` whenever something happens in the file's folder, and now and then without that. The folder is watched and not the
 * file, since editors and Kubernetes put a new file, or a new link, in the place of the old one. Returns what stops it.
 */
export function watchFile(path: string, look: () => void, options: FileWatchOptions = {}): () => void {
  const { pollMs = 1000, gatherMs = 15 } = options;
  let watcher: FSWatcher | undefined;
  let gathering: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const unwatch = () => {
    watcher?.close();
    watcher = undefined;
  };
  const gather = () => {
    if (stopped) return;
    gathering ??= setTimeout(() => {
      gathering = undefined;
      look();
    }, gatherMs);
  };
  const attach = () => {
    if (watcher || stopped) return;
    try {
      watcher = watch(dirname(path), gather);
      watcher.on("error", unwatch);
    } catch {
      // The folder is not there (yet), or the system has no watches left: the poll goes on.
    }
  };
  attach();
  const timer = setInterval(() => {
    attach();
    look();
  }, pollMs);
  return () => {
    stopped = true;
    clearInterval(timer);
    clearTimeout(gathering);
    unwatch();
  };
}
