/** A connection, as far as its listener's closing is concerned. */
export interface HubMember {
  /** Whether nothing would be lost with it. */
  readonly idle: boolean;
  /** Whether it has had a request. */
  readonly used: boolean;
  /**
   * Asks the other side to send no more requests; absent where that cannot be said beforehand.
   *
   * @param final Whether those are refused that come nevertheless.
   */
  drain?(final: boolean): void;
  destroy(): void;
}
