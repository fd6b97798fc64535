import process from "node:process";
import { createPaint, type Paint } from "../../match/text-table.ts";

/** Colours for standard output: on a terminal, unless NO_COLOR is set to anything (no-color.org). */
export function outputPaint(): Paint {
  return createPaint(process.stdout.isTTY === true && (process.env.NO_COLOR ?? "") === "");
}

/** Tells how far long work has come. */
export interface Progress {
  update(done: number, total: number): void;
  /** Takes the line away. */
  end(): void;
}

/** Milliseconds between two updates of the line. */
const EVERY = 100;

/** A line on standard error that is written over and over, on a terminal alone: nothing of it is ever in a log. */
export function createProgress(what: string): Progress {
  const stream = process.stderr;
  if (stream.isTTY !== true) return { update: () => {}, end: () => {} };
  let last = 0;
  let shown = false;
  return {
    update(done, total) {
      const now = performance.now();
      if (now - last < EVERY && done < total) return;
      last = now;
      shown = true;
      stream.write(`\r${what}: ${done} of ${total}\x1b[K`);
    },
    end() {
      if (shown) stream.write("\r\x1b[K");
    },
  };
}

/** Reads standard input to its end as UTF-8, at most `maxBytes` of it. @throws Error where it is more. */
export async function readInput(maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`Cannot read more than ${maxBytes} bytes from standard input`);
    chunks.push(chunk);
  }
  const all = new Uint8Array(size);
  let offset = 0;
  for (const chunk of chunks) {
    all.set(chunk, offset);
    offset += chunk.length;
  }
  return new TextDecoder("utf-8", { fatal: true }).decode(all);
}

/** `1 route`, `2 routes`. */
export function counted(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
