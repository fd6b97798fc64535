/** What a {@link clientHello} says; what is absent it does not mention. */
export interface HelloParts {
  readonly serverName?: string;
  readonly ciphers?: readonly number[];
  readonly signatures?: readonly number[];
  readonly versions?: readonly number[];
}

/** A TLS ClientHello. @param recordSize Bytes of the message in each record. */
export function clientHello(parts: HelloParts, recordSize = 16_384): Uint8Array {
  const extensions: number[] = [];
  const extension = (type: number, content: readonly number[]) => extensions.push(...u16(type), ...sized(content));
  // One that nobody knows, as clients send to keep servers tolerant (RFC 8701).
  extension(0x0a0a, []);
  if (parts.serverName !== undefined) {
    const name = [...parts.serverName].map((letter) => letter.charCodeAt(0));
    extension(0, sized([0, ...sized(name)]));
  }
  if (parts.signatures !== undefined) extension(13, sized(parts.signatures.flatMap(u16)));
  if (parts.versions !== undefined) extension(43, [parts.versions.length * 2, ...parts.versions.flatMap(u16)]);
  const body = [
    ...u16(0x0303),
    ...Array.from({ length: 32 }, (_, at) => at),
    0,
    ...sized((parts.ciphers ?? [0x1301]).flatMap(u16)),
    1,
    0,
    ...sized(extensions),
  ];
  const message = [1, 0, ...u16(body.length), ...body];
  const records: number[] = [];
  for (let at = 0; at < message.length; at += recordSize) {
    records.push(22, 3, 1, ...sized(message.slice(at, at + recordSize)));
  }
  return Uint8Array.from(records);
}

function u16(value: number): number[] {
  return [value >> 8, value & 0xff];
}

function sized(content: readonly number[]): number[] {
  return [...u16(content.length), ...content];
}
