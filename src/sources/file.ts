import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Batch, ConfigSource, SourceState, SourceStatus } from "../store/source.ts";
import { BatchQueue, type Edit } from "./batch-queue.ts";
import { type LayoutIssue, parseLayout } from "./file-layout.ts";
import { fileStamp, type FileWatchOptions, watchFile } from "./file-watch.ts";
import type { SourceLog } from "./log.ts";

export interface FileSourceOptions extends FileWatchOptions {
  /** A larger file is refused, in bytes. Default 16 MiB. */
  readonly maxBytes?: number;
  /**
   * A file that lost its `#END` line is perhaps half written: it is taken after so many milliseconds without a further change.
   * Default 2000.
   */
  readonly settleMs?: number;
  /** Takes the source's log lines. Default: nothing is logged. */
  readonly log?: SourceLog;
}

/**
 * Reads resources from a YAML or JSON file in Apache APISIX's standalone layout ({@link parseLayout}). An edit is picked up at once,
 * also where an editor or Kubernetes replaces the file. A broken one is reported with its line, in the status and the log, and what was
 * read before serves on.
 *
 * @example
 * ```ts
 * const gateway = createGateway({ source: fileSource("gatewatch-resources.yaml") });
 * ```
 */
export function fileSource(path: string, options: FileSourceOptions = {}): ConfigSource {
  let loop = new FileLoop(path, options);
  let started = false;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    if (started) loop = new FileLoop(path, options);
    started = true;
    const queue = new BatchQueue();
    const stop = () => loop.stop();
    loop.start(queue);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    try {
      for (let batch = await queue.take(); batch; batch = await queue.take()) yield batch;
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  return { prefix: "", read, status: () => loop.status() };
}

/** Why a file cannot be used now; the same reason is not told twice. */
class Unusable extends Error {}

/** One reading of the source, from its start to its stop. */
class FileLoop {
  readonly #path: string;
  readonly #options: FileSourceOptions;
  readonly #items = new Map<string, string>();
  readonly #log: SourceLog;
  #queue: BatchQueue | undefined;
  #unwatch: () => void = () => undefined;
  #state: SourceState = "connecting";
  #reason: string | undefined;
  #revision = 0;
  #marked = false;
  #stamp: string | undefined;
  #since = 0;
  #readAt: number | undefined;
  /** The last look ended with the file's content being used, or refused for good. */
  #taken = false;
  #closed = false;
  #looking = false;
  #again = false;
  #reads = 0;
  #failures = 0;

  constructor(path: string, options: FileSourceOptions) {
    this.#path = resolve(path);
    this.#options = options;
    this.#log = options.log ?? (() => undefined);
  }

  start(queue: BatchQueue): void {
    this.#queue = queue;
    this.#unwatch = watchFile(this.#path, () => void this.#look(), this.#options);
    void this.#look();
  }

  stop(): void {
    this.#unwatch();
    this.#queue?.close();
    this.#closed = true;
    this.#state = "closed";
    this.#reason = undefined;
  }

  status(): SourceStatus {
    return {
      kind: "file",
      state: this.#state,
      origin: this.#path,
      silentMs: this.#readAt === undefined ? null : Math.round(performance.now() - this.#readAt),
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
      details: { revision: this.#revision, keys: this.#items.size, reads: this.#reads, failures: this.#failures },
    };
  }

  /** Reads the file where it is another than the one that was read last. One look at a time; a call meanwhile makes one more. */
  async #look(): Promise<void> {
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    try {
      do {
        this.#again = false;
        await this.#readIfChanged();
      } while (this.#again && !this.#closed);
    } finally {
      this.#looking = false;
    }
  }

  async #readIfChanged(): Promise<void> {
    const stamp = await fileStamp(this.#path);
    if (stamp !== this.#stamp) {
      this.#stamp = stamp;
      this.#since = performance.now();
    } else if (stamp !== undefined && this.#taken) {
      this.#readAt = performance.now();
      return;
    }
    try {
      const text = await this.#readText();
      if ((await fileStamp(this.#path)) !== stamp) {
        this.#again = true;
        return;
      }
      await this.#take(text);
    } catch (error) {
      this.#fail(
        error instanceof Unusable ? error.message : `${this.#path}: cannot be read: ${(error as Error).message}`,
      );
    }
  }

  async #readText(): Promise<string> {
    this.#taken = false;
    const { maxBytes = 16 << 20 } = this.#options;
    let bytes: Uint8Array;
    try {
      const { size } = await stat(this.#path);
      if (size > maxBytes) {
        this.#taken = true;
        throw new Unusable(`${this.#path}: has ${size} bytes, which is more than the ${maxBytes} that are read`);
      }
      bytes = await readFile(this.#path);
    } catch (error) {
      if ((error as { readonly code?: unknown }).code === "ENOENT") {
        throw new Unusable(`${this.#path}: there is no such file`);
      }
      throw error;
    }
    try {
      return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch {
      this.#taken = true;
      throw new Unusable(`${this.#path}: is no UTF-8 text`);
    }
  }

  async #take(text: string): Promise<void> {
    const { items, issues, marked } = await parseLayout(text, { positions: false });
    if (this.#closed) return;
    if (issues.length > 0) {
      this.#taken = true;
      throw new Unusable(toReason(this.#path, issues));
    }
    const { settleMs = 2000 } = this.#options;
    if (this.#marked && !marked && performance.now() - this.#since < settleMs) {
      throw new Unusable(`${this.#path}: has no '#END' line any more, so that it may be half written`);
    }
    this.#taken = true;
    this.#marked = marked;
    this.#readAt = performance.now();
    this.#reads++;
    this.#apply(new Map(items.map(({ key, json }) => [key, json])));
  }

  #apply(next: ReadonlyMap<string, string>): void {
    const encoder = new TextEncoder();
    const revision = this.#revision + 1;
    const edits: Edit[] = [];
    for (const [key, json] of next) {
      const held = this.#items.get(key);
      if (held === json) continue;
      edits.push({ key, value: encoder.encode(json), revision, fresh: held === undefined });
      this.#items.set(key, json);
    }
    for (const key of this.#items.keys()) {
      if (next.has(key)) continue;
      edits.push({ key, value: undefined, revision, fresh: false });
      this.#items.delete(key);
    }
    const first = this.#state === "connecting";
    if (this.#reason !== undefined) this.#log("info", `${this.#path} is good again`, { changes: edits.length });
    this.#state = "synced";
    this.#reason = undefined;
    if (!first && edits.length === 0) return;
    this.#revision = revision;
    this.#queue?.push({ revision, edits });
  }

  #fail(reason: string): void {
    if (this.#closed || reason === this.#reason) return;
    this.#failures++;
    this.#reason = reason;
    if (this.#state === "synced") this.#state = "stale";
    const rest = this.#state === "stale" ? "; what was read before serves on" : "";
    this.#log("error", `${reason}${rest}`);
  }
}

/** How many issues of a file are named; the others are counted. */
const NAMED_ISSUES = 3;

function toReason(path: string, issues: readonly LayoutIssue[]): string {
  const named = issues.slice(0, NAMED_ISSUES).map((issue) => toLine(path, issue)).join("; ");
  return issues.length > NAMED_ISSUES ? `${named}; and ${issues.length - NAMED_ISSUES} more` : named;
}

/** `path:line:column: what`, as compilers write it, so that editors find the place. */
function toLine(path: string, { message, position }: LayoutIssue): string {
  return position ? `${path}:${position.line}:${position.column}: ${message}` : `${path}: ${message}`;
}
