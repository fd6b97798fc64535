import type { LogRecord } from "@logtape/logtape";
import { isSecretName, REDACTED, redactText } from "./redact.ts";

/** How deep into a field's value a log line looks. */
const MAX_DEPTH = 4;
/** Characters of one text in a log line. */
const MAX_TEXT = 4096;

/** Turns a record into one line, without its line break. */
export type LogFormat = (record: LogRecord) => string;

/** Keys of a JSON line that no field may replace. */
const RESERVED = new Set(["time", "level", "category", "message"]);

/**
 * One JSON object a line: `time` (RFC 3339), `level`, `category` (dotted), `message`, then the record's fields. A field that has one of these
 * names gets an underscore behind it.
 */
export const jsonFormat: LogFormat = (record) => {
  const line: Record<string, unknown> = {
    time: new Date(record.timestamp).toISOString(),
    level: record.level,
    category: record.category.join("."),
    message: messageText(record),
  };
  for (const [name, value] of Object.entries(record.properties)) {
    line[RESERVED.has(name) ? `${name}_` : name] = plain(name, value, record, 0);
  }
  return JSON.stringify(line);
};

const COLOURS: Readonly<Record<string, string>> = {
  trace: "\x1b[2m",
  debug: "\x1b[34m",
  info: "\x1b[32m",
  warning: "\x1b[33m",
  error: "\x1b[31m",
  fatal: "\x1b[35m",
};

/** For people: time, level and category in columns, the message, then `name=value` for each field that the message does not hold. */
export function textFormat(coloured: boolean): LogFormat {
  const paint = (code: string | undefined, text: string) =>
    coloured && code !== undefined ? `${code}${text}\x1b[0m` : text;
  return (record) => {
    const level = record.level === "warning" ? "WARN" : record.level.toUpperCase();
    const category = record.category.slice(1).join(".");
    const parts = [
      paint("\x1b[2m", new Date(record.timestamp).toISOString()),
      paint(COLOURS[record.level], level.padEnd(5)),
      paint("\x1b[2m", category.padEnd(8)),
      escapeControls(messageText(record)),
    ];
    const template = typeof record.rawMessage === "string" ? record.rawMessage : "";
    let stack = "";
    for (const [name, value] of Object.entries(record.properties)) {
      if (value instanceof Error && isGrave(record)) stack += stackLines(value);
      if (template.includes(`{${name}}`)) continue;
      const shown = value instanceof Error ? redactText(errorText(value)) : plain(name, value, record, 0);
      parts.push(`${paint("\x1b[2m", `${name}=`)}${fieldText(shown)}`);
    }
    return parts.join(" ") + stack;
  };
}

/** The message with its placeholders filled in. LogTape hands over text and values in turn, the text at even places. */
function messageText(record: LogRecord): string {
  if (record.message.length === 1) return redactText(String(record.message[0]));
  const names = typeof record.rawMessage === "string" ? placeholders(record.rawMessage) : [];
  let text = "";
  record.message.forEach((part, i) => {
    if (i % 2 === 0) text += String(part);
    else if (part instanceof Error) text += errorText(part);
    else text += valueText(plain(names[(i - 1) / 2] ?? "", part, record, 0));
  });
  return redactText(text);
}

/** The names in a message's braces, in their order; doubled braces stand for themselves. */
function placeholders(template: string): string[] {
  return Array.from(template.matchAll(/\{\{|\}\}|\{([^{}]*)\}/g), (match) => match[1]).filter((name) =>
    name !== undefined
  );
}

function valueText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value) ?? String(value);
}

function fieldText(value: unknown): string {
  const text = valueText(value);
  return typeof value === "string" && !/^[\w.:/@+,*-]+$/.test(text) ? JSON.stringify(text) : text;
}

/** An error's message with those of its causes. */
function errorText(error: Error): string {
  const texts = [error.message];
  let cause = error.cause;
  for (let i = 0; i < MAX_DEPTH && cause instanceof Error; i++, cause = cause.cause) {
    if (!texts.at(-1)!.includes(cause.message)) texts.push(cause.message);
  }
  return texts.join(": ");
}

/** Whether the place in the code matters to who reads the line. */
function isGrave(record: LogRecord): boolean {
  return record.level === "error" || record.level === "fatal";
}

/** Where an error was thrown, indented below its line. */
function stackLines(error: Error): string {
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return frames.map((frame) => `\n    ${escapeControls(frame.trim())}`).join("");
}

/** A value as JSON can hold it, without secrets, cycles and depths. */
function plain(name: string, value: unknown, record: LogRecord, depth: number): unknown {
  if (value !== undefined && value !== null && isSecretName(name)) return REDACTED;
  if (typeof value === "string") {
    const text = redactText(value);
    return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}... (${text.length} characters)` : text;
  }
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return typeof value === "function" ? "[function]" : value;
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code;
    return {
      name: value.name,
      message: redactText(errorText(value)),
      ...(typeof code === "string" || typeof code === "number" ? { code } : {}),
      ...(isGrave(record) && value.stack !== undefined ? { stack: redactText(value.stack) } : {}),
    };
  }
  if (value instanceof Date) return value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (depth >= MAX_DEPTH) return "[...]";
  if (Array.isArray(value)) return value.slice(0, 100).map((each) => plain("", each, record, depth + 1));
  const entries = value instanceof Map ? value.entries() : Object.entries(value);
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, each] of entries) result[String(key)] = plain(String(key), each, record, depth + 1);
  return result;
}

/** What is logged can hold bytes of a client's or an operator's: none of them may move the cursor or begin a line. */
function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
