/**
 * The host of a Host field's value as routes are matched against it: lower case, without port and without one dot at its end. IPv6
 * keeps its brackets. Undefined where nginx answers 400: a control character, a space, a slash, an empty label; and, stricter than
 * nginx, for a backslash and for brackets that are not closed or followed by more than a port. (nginx `ngx_http_validate_host`.)
 *
 * @example
 * ```ts
 * parseHost("Example.COM.:8443"); // "example.com"
 * parseHost("[::1]:80"); // "[::1]"
 * parseHost("a..b"); // undefined
 * ```
 */
export function parseHost(field: string): string | undefined {
  let end = field.length;
  let upper = false;
  let bracket = false;
  let closed = false;
  for (let i = 0; i < field.length; i++) {
    const code = field.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f || code === 0x2f || code === 0x5c) return undefined;
    if (code === 0x2e && field.charCodeAt(i + 1) === 0x2e && end === field.length) return undefined;
    if (code === 0x3a && !bracket && end === field.length) end = i;
    else if (code === 0x5b && i === 0) bracket = true;
    else if (code === 0x5d && bracket) {
      bracket = false;
      closed = true;
    } else if (code >= 0x41 && code <= 0x5a) upper = true;
  }
  if (bracket) return undefined;
  if (closed && field.charCodeAt(end - 1) !== 0x5d) return undefined;
  if (end > 0 && field.charCodeAt(end - 1) === 0x2e) end--;
  if (end === 0 && field.charCodeAt(0) === 0x2e) return undefined;
  const host = end === field.length ? field : field.slice(0, end);
  return upper ? host.toLowerCase() : host;
}
