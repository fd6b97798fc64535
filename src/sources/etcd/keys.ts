const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text as a byte string: one character per byte of its UTF-8. */
export function toByteString(text: string): string {
  let bytes = "";
  for (const byte of encoder.encode(text)) bytes += String.fromCharCode(byte);
  return bytes;
}

/**
 * The prefix with exactly one slash at its end, so that `/gatewatch` and `/gatewatch/` mean the same and neither means
 * `/gatewatch-other`.
 *
 * @throws TypeError where it is empty.
 */
export function normalisePrefix(prefix: string): string {
  if (prefix === "") throw new TypeError("Cannot read etcd without a prefix: give one, as in '/gatewatch'");
  return `${prefix.replace(/\/+$/, "")}/`;
}

/** The byte string that follows every key under a prefix that {@link normalisePrefix} made. */
export function prefixEnd(prefix: string): string {
  return prefix.slice(0, -1) + String.fromCharCode(prefix.charCodeAt(prefix.length - 1) + 1);
}

/**
 * A byte string as text: UTF-8 where it is that, `\xNN` for every byte that is not. A backslash before an `x` is itself written
 * `\x5c`, so that no two byte strings become one text.
 */
export function toText(bytes: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(bytes)) return escapeText(bytes);
  try {
    return escapeText(decode(bytes));
  } catch {
    let text = "";
    for (let index = 0; index < bytes.length;) {
      const length = sequenceLength(bytes.charCodeAt(index));
      const part = bytes.slice(index, index + length);
      try {
        text += escapeText(decode(part), bytes[index + length]);
        index += length;
      } catch {
        text += `\\x${bytes.charCodeAt(index).toString(16).padStart(2, "0")}`;
        index++;
      }
    }
    return text;
  }
}

const decode = (bytes: string): string => strict.decode(Uint8Array.from(bytes, (char) => char.charCodeAt(0)));

function escapeText(text: string, next?: string): string {
  const escaped = text.includes("\\x") ? text.replaceAll("\\x", "\\x5cx") : text;
  return next === "x" && text.endsWith("\\") ? `${escaped}x5c` : escaped;
}

/** Bytes of the UTF-8 sequence that starts with `byte`; 1 for what can start none. */
function sequenceLength(byte: number): number {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}
