import type { Buffer } from "node:buffer";

/** What a name may be made of (RFC 9110 section 5.6.2, token), by code; 1 = it may. */
const TOKEN = table((code) => /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)));
/** What a value may be made of: nothing that RFC 9110 section 5.5 calls dangerous, and no other control character but tab. */
const VALUE = table((code) => code === 0x09 || code >= 0x20 && code !== 0x7f);

const TAB = 0x09, LF = 0x0a, CR = 0x0d, SPACE = 0x20, COLON = 0x3a;

/**
 * Reads lines `name: value` with CRLF between them, in one pass: this is done for every message.
 *
 * @param bytes The lines, up to, and without, the line break before the empty line. Looked at instead of the text, since that is faster on all runtimes.
 * @param from Where the first line begins; lines may be none.
 * @param text The same as Latin-1 text, from the first byte on.
 * @param fields Names and values are added here, without the blanks around values.
 * @returns False where a line has no name that is a token up to its colon (obs-fold, RFC 9112 section 5.2, and white space before the colon, section
 * 5.1, are read differently by different readers), or there is a control character or a bare line break in it.
 */
export function readFields(bytes: Uint8Array, from: number, text: string, fields: string[]): boolean {
  const { length } = text;
  let at = from;
  while (at < length) {
    const start = at;
    while (at < length && TOKEN[bytes[at]!] === 1) at++;
    if (at === start || at === length || bytes[at] !== COLON) return false;
    const colon = at++;
    while (at < length && isBlank(bytes[at]!)) at++;
    const value = at;
    while (at < length && VALUE[bytes[at]!] === 1) at++;
    let end = at;
    if (at < length) {
      // A line break at the end would be followed by an empty line.
      if (bytes[at] !== CR || at + 2 >= length || bytes[at + 1] !== LF) return false;
      at += 2;
    }
    while (end > value && isBlank(bytes[end - 1]!)) end--;
    fields.push(text.slice(start, colon), text.slice(value, end));
  }
  return true;
}

/**
 * Where the empty line begins that ends a head, its line break before it included; -1 where there is none. Written out, since a search for several bytes is
 * slow on Deno, and other ones call into the runtime for every line.
 *
 * @param from Where to begin to look.
 */
export function findHeadEnd(bytes: Uint8Array, from: number): number {
  const { byteLength } = bytes;
  for (let i = from + 3; i < byteLength;) {
    const byte = bytes[i]!;
    // Not the last of CR LF CR LF: how many bytes on that may be at the earliest.
    if (byte !== LF) i += byte === CR ? 1 : 4;
    else if (bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) return i - 3;
    else i += 2;
  }
  return -1;
}

/** Whether a line feed at or after `from` has no carriage return before it. */
export function hasBareBreak(bytes: Uint8Array, from: number): boolean {
  for (let at = bytes.indexOf(0x0a, from); at >= 0; at = bytes.indexOf(0x0a, at + 1)) {
    if (bytes[at - 1] !== 0x0d) return true;
  }
  return false;
}

/** Whether a part of bytes holds nothing that may not stand in a field's value. */
export function isPlain(bytes: Uint8Array, from: number, end: number): boolean {
  for (let i = from; i < end; i++) if (VALUE[bytes[i]!] !== 1) return false;
  return true;
}

/** Bytes as text. What `toString("latin1")` comes to on all three runtimes, without its way there. */
export function latin1(bytes: Buffer, from: number, end: number): string {
  return (bytes as Buffer & { latin1Slice(from: number, end: number): string }).latin1Slice(from, end);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function table(test: (code: number) => boolean): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => test(code) ? 1 : 0);
}
