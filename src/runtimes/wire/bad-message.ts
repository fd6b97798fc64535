/** What came is no message of HTTP/1, or one that could be read in two ways. */
export class BadMessage extends Error {
  override readonly name: string = "BadMessage";
}
