import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Batch, ConfigSource, SourceState, SourceStatus } from "../store/source.ts";
import {
  checkWrite,
  type ReadAt,
  type StoredList,
  type StoredRead,
  type WritableSource,
  type Write,
  WriteError,
  type WriteResult,
} from "../store/writable.ts";
import { BatchQueue } from "./batch-queue.ts";
import { editLayout } from "./file-edit.ts";
import { type LayoutIssue, parseLayout } from "./file-layout.ts";
import { replaceFile } from "./file-replace.ts";
import { fileStamp, type FileWatchOptions, watchFile } from "./file-watch.ts";
import type { SourceLog } from "./log.ts";
import { MemoryContent, onlyNow } from "./memory-content.ts";

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

/** A resources file that can be written as well: comments and order stay, and an edit by hand is never written over. */
export interface FileSource extends ConfigSource, WritableSource {}

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
export function fileSource(path: string, options: FileSourceOptions = {}): FileSource {
  let loop = new FileLoop(path, options);
  let started = false;
  // One after the other: each works on the text that the one before left.
  let writing: Promise<unknown> = Promise.resolve();

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    if (started) loop = new FileLoop(path, options, loop);
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

  return {
    prefix: "",
    limits: loop.content.limits,
    read,
    status: () => loop.status(),
    async get(key: string, { revision }: ReadAt = {}): Promise<StoredRead> {
      await loop.current();
      onlyNow(revision, loop.content.revision, "a file");
      return { entry: loop.content.get(key), revision: loop.content.revision };
    },
    async list(prefix: string, { revision }: ReadAt = {}): Promise<StoredList> {
      await loop.current();
      onlyNow(revision, loop.content.revision, "a file");
      return loop.content.list(prefix);
    },
    commit(write: Write): Promise<WriteResult> {
      const done = writing.then(() => loop.commit(write));
      writing = done.catch(() => undefined);
      return done;
    },
  };
}

/** Why a file cannot be used now; the same reason is not told twice. */
class Unusable extends Error {}

/** One reading of the source, from its start to its stop. */
class FileLoop {
  readonly #path: string;
  readonly #options: FileSourceOptions;
  /** Survives from one reading to the next, so that revisions go on. */
  readonly content: MemoryContent;
  readonly #log: SourceLog;
  #queue: BatchQueue | undefined;
  #unwatch: () => void = () => undefined;
  #state: SourceState = "connecting";
  #reason: string | undefined;
  #first = true;
  #marked = false;
  #stamp: string | undefined;
  #since = 0;
  #readAt: number | undefined;
  /** The last look ended with the file's content being used, or refused for good. */
  #taken = false;
  #closed = false;
  #looking: Promise<void> | undefined;
  #again = false;
  #reads = 0;
  #failures = 0;

  constructor(path: string, options: FileSourceOptions, before?: FileLoop) {
    this.#path = resolve(path);
    this.content = before?.content ?? new MemoryContent();
    this.#options = options;
    this.#log = options.log ?? (() => undefined);
  }

  start(queue: BatchQueue): void {
    this.#queue = queue;
    // The file may have been read already, to be written.
    this.#first = true;
    this.#taken = false;
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
      details: {
        revision: this.content.revision,
        keys: this.content.size,
        reads: this.#reads,
        failures: this.#failures,
      },
    };
  }

  /** Reads the file where it is another than the one that was read last. One look at a time; a call meanwhile makes one more. */
  #look(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    if (this.#looking !== undefined) {
      this.#again = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilStill().finally(() => this.#looking = undefined);
    return this.#looking;
  }

  async #lookUntilStill(): Promise<void> {
    do {
      this.#again = false;
      await this.#readIfChanged();
    } while (this.#again && !this.#closed);
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
    const encoder = new TextEncoder(), decoder = new TextDecoder();
    const changes: [string, Uint8Array | undefined][] = [];
    for (const [key, json] of next) {
      const held = this.content.get(key);
      if (held === undefined || decoder.decode(held.value) !== json) changes.push([key, encoder.encode(json)]);
    }
    for (const { key } of this.content.list("").entries) if (!next.has(key)) changes.push([key, undefined]);
    if (this.#reason !== undefined) this.#log("info", `${this.#path} is good again`, { changes: changes.length });
    this.#state = "synced";
    this.#reason = undefined;
    const revision = this.content.change(changes, this.#first && this.content.revision === 0);
    if (this.#first) this.#queue?.push(this.content.all());
    else if (revision !== undefined) this.#queue?.push(revision);
    this.#first = false;
  }

  /**
   * Reads the file as it is now, so that an edit by hand is known before anything is answered or written.
   *
   * @throws WriteError `unavailable` where it cannot be used.
   */
  async current(): Promise<void> {
    if (this.#closed) throw new WriteError("unavailable", `${this.#path}: is no longer read`);
    // A look that is under way may have begun before the edit.
    while (this.#looking !== undefined) await this.#looking;
    await this.#look();
    while (this.#looking !== undefined) await this.#looking;
    if (this.#reason !== undefined) throw new WriteError("unavailable", this.#reason);
  }

  /** @throws WriteError */
  async commit(write: Write): Promise<WriteResult> {
    const { content } = this;
    checkWrite(write, content.limits);
    if (write.ttl !== undefined) {
      throw new WriteError("unsupported", "Cannot keep a key for a time: a file has no clock");
    }
    await this.current();
    if (!content.holds(write.guards ?? [])) return { ok: false, revision: content.revision };
    const stamp = this.#stamp;
    const text = await this.#readText();
    const edited = await editLayout(text, write);
    if (edited === text) return { ok: true, revision: content.revision };
    // Between this and the file's replacement lies no time in which a person could save an edit and not lose it, but a moment.
    if (!await replaceFile(this.#path, edited, async () => (await fileStamp(this.#path)) === stamp)) {
      return { ok: false, revision: content.revision };
    }
    await this.current();
    return { ok: true, revision: content.revision };
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
