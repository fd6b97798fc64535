import { EtcdError } from "./errors.ts";

/**
 * etcd's 64 bit integers come as text. A revision beyond 2^53 would take a million writes a second for 285 years; it is refused
 * rather than rounded.
 *
 * @param value Missing means 0, as protobuf leaves out what is 0.
 * @throws EtcdError `protocol` where it is no integer, or too large to be exact.
 */
export function toInteger(value: string | number | undefined): number {
  const number = Number(value ?? 0);
  if (!Number.isSafeInteger(number)) {
    throw new EtcdError("protocol", `etcd sent '${value}' where an integer below 2^53 was expected`);
  }
  return number;
}
