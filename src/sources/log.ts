/** How much a line matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Takes the lines that a source writes. No field ever holds a credential. */
export type SourceLog = (level: LogLevel, message: string, fields?: Readonly<Record<string, unknown>>) => void;
