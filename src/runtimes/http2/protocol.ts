/** Types of frames (RFC 9113 section 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;

/** Flags; what one means depends on the frame. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

/** Why a stream or a connection ends (RFC 9113 section 7). */
export const CODE = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const;

/** Settings (RFC 9113 section 6.5.2). */
export const SETTING = {
  tableSize: 1,
  push: 2,
  maxStreams: 3,
  window: 4,
  maxFrame: 5,
  maxListBytes: 6,
} as const;

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/** Bytes before a frame's payload. */
export const FRAME_HEAD = 9;
/** The largest payload unless a setting says otherwise, and the largest that one can allow. */
export const MAX_FRAME = 16_384, MOST_FRAME = 16_777_215;
/** Of streams and connections, unless a setting says otherwise; and the largest there can be. */
export const WINDOW = 65_535, MOST_WINDOW = 2_147_483_647;

/** What the other side did breaks the whole connection (RFC 9113 section 5.4.1). */
export class ConnectionError extends Error {
  override readonly name: string = "ConnectionError";
  /** One of {@link CODE}. */
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
