import type { Buffer } from "node:buffer";
import { CODE, ConnectionError, MAX_FRAME, MOST_FRAME, MOST_WINDOW, SETTING, WINDOW } from "./protocol.ts";

/** What the other side has announced (RFC 9113 section 6.5.2). */
export interface PeerSettings {
  /** Bytes of its header table. */
  tableSize: number;
  /** Streams at once that this side may open. */
  maxStreams: number;
  /** What it takes on a new stream. */
  window: number;
  /** Bytes of a frame's payload that it takes. */
  maxFrame: number;
}

export function initialSettings(): PeerSettings {
  return { tableSize: 4096, maxStreams: 100, window: WINDOW, maxFrame: MAX_FRAME };
}

/**
 * Takes what a SETTINGS frame says.
 *
 * @param server Whether the other side is one.
 * @throws {ConnectionError} where a value is none that there can be.
 */
export function readSettings(payload: Buffer, settings: PeerSettings, server: boolean): void {
  if (payload.byteLength % 6 !== 0) throw new ConnectionError(CODE.frameSize, "SETTINGS with a part of a setting");
  for (let at = 0; at < payload.byteLength; at += 6) {
    const value = payload.readUInt32BE(at + 2);
    switch (payload.readUInt16BE(at)) {
      case SETTING.tableSize:
        settings.tableSize = value;
        break;
      case SETTING.push:
        if (value > (server ? 0 : 1)) throw new ConnectionError(CODE.protocol, `ENABLE_PUSH of ${value}`);
        break;
      case SETTING.maxStreams:
        settings.maxStreams = value;
        break;
      case SETTING.window:
        if (value > MOST_WINDOW) throw new ConnectionError(CODE.flowControl, `INITIAL_WINDOW_SIZE of ${value}`);
        settings.window = value;
        break;
      case SETTING.maxFrame:
        if (value < MAX_FRAME || value > MOST_FRAME) {
          throw new ConnectionError(CODE.protocol, `MAX_FRAME_SIZE of ${value}`);
        }
        settings.maxFrame = value;
    }
  }
}
