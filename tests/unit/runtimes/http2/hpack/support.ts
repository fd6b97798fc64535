import { Buffer } from "node:buffer";

/** Bytes of hexadecimal digits; spaces mean nothing. */
export function fromHex(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

/** The other way round. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
