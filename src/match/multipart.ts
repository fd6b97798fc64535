/** Most parts of a form that are looked at. */
const MAX_PARTS = 1000;

/**
 * The text fields of a `multipart/form-data` body by name, the first of each (RFC 7578). Empty where the boundary is missing. One pass, linear in the
 * body's size.
 */
export function parseMultipart(contentType: string, body: Uint8Array): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const boundary = /boundary=(?:"([^"]{1,200})"|([^\s;]{1,200}))/i.exec(contentType);
  if (boundary === null) return fields;
  // One character a byte, so that offsets are bytes and searching is native.
  const bytes = new TextDecoder("latin1").decode(body);
  const mark = `--${boundary[1] ?? boundary[2]!}`;
  let at = bytes.indexOf(mark);
  for (let count = 0; at >= 0 && count < MAX_PARTS; count++) {
    const start = at + mark.length;
    if (bytes.startsWith("--", start)) break;
    const next = bytes.indexOf(`\r\n${mark}`, start);
    if (next < 0) break;
    const head = bytes.indexOf("\r\n\r\n", start);
    if (head >= 0 && head <= next) {
      const name = /^content-disposition:[^\r\n]*?[;\s]name="([^"\r\n]*)"/im.exec(bytes.slice(start, head));
      if (name !== null && !fields.has(name[1]!)) {
        fields.set(name[1]!, new TextDecoder().decode(body.subarray(Math.min(head + 4, next), next)));
      }
    }
    at = next + 2;
  }
  return fields;
}
