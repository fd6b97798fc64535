/**
 * Splits a stream of bytes into lines. A line is joined once, when it is complete, so that a long one that comes in many parts is not copied
 * again and again.
 */
export class LineSplitter {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param limit Longest line, in bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * @returns The lines that are complete now, without their ends, empty ones left out.
   * @throws Error where a line is longer than the limit.
   */
  push(data: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
      this.#add(data.subarray(from, end));
      from = end + 1;
      const line = this.#take();
      if (line !== "") lines.push(line);
    }
    this.#add(data.subarray(from));
    return lines;
  }

  #add(part: Uint8Array): void {
    if (part.length === 0) return;
    this.#length += part.length;
    if (this.#length > this.#limit) throw new Error(`answer is larger than ${this.#limit} bytes`);
    this.#parts.push(part);
  }

  #take(): string {
    const line = Buffer.concat(this.#parts).toString("utf8");
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
