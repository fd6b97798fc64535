/** What came is no header block. The tables of both sides differ from here on, so that it ends the connection: COMPRESSION_ERROR (RFC 9113 section 4.3). */
export class HpackError extends Error {
  override readonly name: string = "HpackError";
}
