import { configureSync, type LogRecord, resetSync } from "@logtape/logtape";
import { jsonFormat, type LogFormat, textFormat } from "./log-format.ts";
import { REDACTED } from "./redact.ts";

export type LogLevelName = "debug" | "info" | "warning" | "error";

export interface LoggingOptions {
  readonly level: LogLevelName;
  readonly format: "text" | "json";
  /** Whether text is coloured; JSON never is. */
  readonly coloured: boolean;
  /** Takes one line with its line break, for everything but the access log. It must not throw. */
  readonly write: (line: string) => void;
  /** The same for the access log. */
  readonly writeAccess: (line: string) => void;
  /** Values that must never be written, whatever holds them: passwords and keys that the process was given. */
  readonly secrets?: readonly string[];
}

/** Category of the access log's records, which go to a place of their own. */
export const ACCESS_CATEGORY: readonly [string, string] = ["gatewatch", "access"];

/**
 * Sets up LogTape for the process: every `getLogger(["gatewatch", ...])` writes through it from now on, and the access log at every level.
 * An embedding application does not call this: it configures LogTape itself, or hears nothing.
 */
export function configureLogging(options: LoggingOptions): void {
  const format = options.format === "json" ? jsonFormat : textFormat(options.coloured);
  configureSync({
    reset: true,
    sinks: {
      log: sink(format, options.write, options.secrets ?? []),
      access: sink(format, options.writeAccess, options.secrets ?? []),
    },
    loggers: [
      { category: ["gatewatch"], sinks: ["log"], lowestLevel: options.level },
      { category: [...ACCESS_CATEGORY], sinks: ["access"], parentSinks: "override", lowestLevel: "info" },
      { category: ["logtape", "meta"], sinks: ["log"], lowestLevel: "warning" },
    ],
  });
}

/** Takes the sinks away again. */
export function resetLogging(): void {
  resetSync();
}

function sink(
  format: LogFormat,
  write: (line: string) => void,
  secrets: readonly string[],
): (record: LogRecord) => void {
  // A text of one or two letters would take whole words out of every line.
  const hidden = secrets.filter((secret) => secret.length > 2).flatMap((
    secret,
  ) => [secret, JSON.stringify(secret).slice(1, -1)]);
  return (record) => {
    let line = format(record);
    for (const secret of hidden) if (line.includes(secret)) line = line.replaceAll(secret, REDACTED);
    write(`${line}\n`);
  };
}
