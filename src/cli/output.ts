/** Writes whole lines to a stream without ever waiting for who reads it. */
export interface LineWriter {
  write(line: string): void;
  /** Resolves once everything was handed to the system, or after a second at the most. */
  flush(): Promise<void>;
}

/** Bytes that may wait for a reader; a log that nobody reads must not fill the memory. */
const MAX_WAITING = 4 * 1024 * 1024;

/**
 * Lines of one turn of the event loop are written together. Where the reader falls behind by more than 4 MiB, lines are dropped and counted,
 * and a line says how many once there is room again.
 */
export function createLineWriter(stream: NodeJS.WritableStream & { readonly writableLength: number }): LineWriter {
  let waiting = "";
  let dropped = 0;
  let scheduled = false;
  // A closed pipe (`gatewatch run | head`) is no reason to stop serving.
  stream.on("error", () => {});

  const flushNow = () => {
    scheduled = false;
    if (waiting === "") return;
    const lines = waiting;
    waiting = "";
    stream.write(lines);
  };
  return {
    write(line) {
      if (stream.writableLength + waiting.length > MAX_WAITING) {
        dropped++;
        return;
      }
      if (dropped > 0) {
        waiting += `${JSON.stringify({ level: "warning", message: `${dropped} lines of this log were dropped` })}\n`;
        dropped = 0;
      }
      waiting += line;
      if (scheduled) return;
      scheduled = true;
      setImmediate(flushNow);
    },
    flush() {
      flushNow();
      return new Promise((resolve) => {
        const limit = setTimeout(resolve, 1000);
        stream.write("", () => {
          clearTimeout(limit);
          resolve();
        });
      });
    },
  };
}
