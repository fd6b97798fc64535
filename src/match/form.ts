/** Most arguments that are looked at; a request has far fewer. */
const MAX_ARGUMENTS = 1000;

/**
 * The arguments of a query or an HTML form, the first value of each name; `true` for one without `=`. `+` is a space; a `%` that begins no
 * escape stays, as in ngx_lua's `get_uri_args`.
 */
export function parseForm(text: string): ReadonlyMap<string, string | true> {
  const fields = new Map<string, string | true>();
  let count = 0;
  for (let at = 0; at < text.length && count < MAX_ARGUMENTS; count++) {
    const next = text.indexOf("&", at);
    const end = next < 0 ? text.length : next;
    const equals = text.indexOf("=", at);
    const bare = equals < 0 || equals >= end;
    const name = decodeField(text.slice(at, bare ? end : equals));
    if (name !== "" && !fields.has(name)) fields.set(name, bare ? true : decodeField(text.slice(equals + 1, end)));
    at = end + 1;
  }
  return fields;
}

/** Decodes `+` and `%XX`; what is no UTF-8 becomes U+FFFD. */
function decodeField(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return decodeLoosely(spaced);
  }
}

function decodeLoosely(text: string): string {
  const bytes: number[] = [];
  for (const [i, part] of text.split(/(%[0-9a-fA-F]{2})/).entries()) {
    if (i % 2 === 1) bytes.push(parseInt(part.slice(1), 16));
    else for (const byte of new TextEncoder().encode(part)) bytes.push(byte);
  }
  return new TextDecoder().decode(Uint8Array.from(bytes));
}
