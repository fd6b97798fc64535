/** What came from a node is no answer, or one that could be read in two ways. */
export class BadAnswer extends Error {
  override readonly name: string = "BadAnswer";
}
