/** A header block that is none; nothing on its connection can be read any more (RFC 7541 section 2.1, RFC 9113 section 4.3). */
export class HpackError extends Error {
  override readonly name: string = "HpackError";
}
