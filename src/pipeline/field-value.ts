const ENCODER: TextEncoder = new TextEncoder();

/** RFC 9110 section 5.6.2 (token). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;

/** What an HTTP/1.1 message is framed by, or what belongs to one connection: a plugin that set these would send another message than it means. */
const FRAMING: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Why a configured field name cannot be used, as `must ...`; undefined where it can. */
export function fieldNameFault(name: string): string | undefined {
  if (!NAME.test(name)) return "must be the name of a header field (an RFC 9110 token)";
  return FRAMING.has(name.toLowerCase())
    ? "must not be a field that frames the message or belongs to a connection"
    : undefined;
}

/** Why a configured field value cannot be used; undefined where it can. */
export function fieldValueFault(value: string): string | undefined {
  // deno-lint-ignore no-control-regex -- all but the tab
  return /[\x00-\x08\x0a-\x1f\x7f]/.test(value) ? "must not hold control characters" : undefined;
}

/** A text of the configuration as a field's value: header fields are kept with one UTF-16 unit for each byte, here of UTF-8. */
export function toFieldText(text: string): string {
  // deno-lint-ignore no-control-regex -- all of ASCII
  return /^[\x00-\x7f]*$/.test(text) ? text : String.fromCharCode(...ENCODER.encode(text));
}

/**
 * A value that was made of a request's parts, as it can be sent: control characters are escaped as `%XX` (as OpenResty does), for a decoded argument may
 * hold line breaks, and what is not Latin-1 is written as UTF-8.
 */
export function sendableValue(value: string): string {
  // deno-lint-ignore no-control-regex -- all but the tab
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) return value;
  // deno-lint-ignore no-control-regex -- all of Latin-1
  const bytes = /^[\x00-\xff]*$/.test(value) ? value : String.fromCharCode(...ENCODER.encode(value));
  // deno-lint-ignore no-control-regex -- all but the tab
  return bytes.replace(
    /[\x00-\x08\x0a-\x1f\x7f]/g,
    (unit) => `%${unit.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
  );
}
