/** Frames that one side may send at once that make the other work for nothing, and how many more every second. */
const ROOM = 200, PER_SECOND = 50;

/**
 * Counts frames that cost the one who sends them nothing, and the other one something: requests that are given up at once (CVE-2023-44487), pings, settings,
 * empty parts. Ordinary clients send some; whoever floods a connection with them is cut off.
 */
export class Budget {
  #left: number = ROOM;
  #at: number = performance.now();

  /** Something was sent that is of use. It may be measured by pings, of which some implementations send one with every few frames. */
  earn(): void {
    if (this.#left < ROOM) this.#left++;
  }

  /** @returns False where that is one too many. */
  spend(): boolean {
    const now = performance.now();
    this.#left = Math.min(ROOM, this.#left + (now - this.#at) / 1000 * PER_SECOND);
    this.#at = now;
    return --this.#left >= 0;
  }
}
