/** Fields of a connection over HTTP/1.1, which no message over HTTP/2 may have (RFC 9113 section 8.2.2). */
const CONNECTION_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);
/** A token without upper case (RFC 9113 section 8.2.1). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;

/** Whether a field says something of an HTTP/1.1 connection. @param name In lower case. */
export function isConnectionField(name: string): boolean {
  return CONNECTION_FIELDS.has(name);
}

/** Whether a field that is no pseudo field may stand in a message over HTTP/2. Of values, only that of `te` is looked at. */
export function isAllowedField(name: string, value: string): boolean {
  if (name === "te") return value.toLowerCase() === "trailers";
  return NAME.test(name) && !isConnectionField(name);
}

/** Whether fields may come after a body: no pseudo fields among them (RFC 9113 section 8.1). */
export function areTrailers(fields: readonly string[]): boolean {
  for (let i = 0; i + 1 < fields.length; i += 2) if (!isAllowedField(fields[i]!, fields[i + 1]!)) return false;
  return true;
}
