const ENCODER: TextEncoder = new TextEncoder();

/** What nginx leaves as it is in a path (`ngx_escape_uri`, NGX_ESCAPE_URI): printable ASCII but for ``"#%<>?\^`{|}``. */
const PATH = /^[!$&-;=@-[\]_a-z~]*$/;

/** What may stand in a request line or a field that holds a URI. */
const PRINTABLE = /^[!-~]*$/;

/**
 * Writes a decoded path as it stands in a request target. As in nginx everything is taken literally, so that `%` becomes `%25` and `?` becomes `%3F`.
 * Bytes that were no UTF-8 (lone surrogates, see `createPathNormalizer`) become what they were.
 */
export function escapePath(path: string): string {
  return PATH.test(path) ? path : escapeAll(path, PATH);
}

/** Escapes what cannot stand in a target: control characters, spaces and what is not ASCII. All else stays, so that a query keeps its delimiters. */
export function escapeUnprintable(target: string): string {
  return PRINTABLE.test(target) ? target : escapeAll(target, PRINTABLE);
}

function escapeAll(text: string, safe: RegExp): string {
  let escaped = "";
  for (const character of text) {
    if (safe.test(character)) {
      escaped += character;
      continue;
    }
    const code = character.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) escaped += percent(code - 0xdc00);
    else for (const byte of ENCODER.encode(character)) escaped += percent(byte);
  }
  return escaped;
}

function percent(byte: number): string {
  return `%${byte < 16 ? "0" : ""}${byte.toString(16).toUpperCase()}`;
}
