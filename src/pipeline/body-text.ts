const UTF8: TextDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A body as text, and back. */
export interface BodyText {
  readonly text: string;
  encode(changed: string): Uint8Array<ArrayBuffer>;
}

/** A body as text: as UTF-8 where it is that, else one character for each byte, so that what is not changed stays what it was. */
export function bodyText(bytes: Uint8Array): BodyText {
  try {
    return { text: UTF8.decode(bytes), encode: (changed) => new TextEncoder().encode(changed) };
  } catch {
    let text = "";
    // In parts, since a call takes only so many arguments.
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    return { text, encode: fromBytes };
  }
}

/** What a replacement put in beyond single bytes is written as UTF-8. */
function fromBytes(text: string): Uint8Array<ArrayBuffer> {
  // deno-lint-ignore no-control-regex -- all of Latin-1
  const units = text.replace(/[^\x00-\xff]+/g, (part) => String.fromCharCode(...new TextEncoder().encode(part)));
  return Uint8Array.from(units, (unit) => unit.charCodeAt(0));
}
