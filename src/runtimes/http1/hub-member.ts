/** A connection, as far as its listener's closing is concerned. */
export interface HubMember {
  /** Whether nothing would be lost with it. */
  readonly idle: boolean;
  /** Whether it has had a request. */
  readonly used: boolean;
  destroy(): void;
}
