import type { Kind } from "../../config/kinds.ts";
import { ownId } from "./kinds.ts";

/** A JSON object. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a decoded value is an object with fields. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Fields that a store keeps for itself, and that no file has to say. */
const STAMPS: ReadonlySet<string> = new Set(["create_time", "update_time"]);

/** A value without its id and without what the store keeps for itself: what two writers can differ in. */
export function contentOf(kind: Kind, value: unknown): unknown {
  if (!isFields(value)) return value;
  const entries = Object.entries(value).filter(([name]) =>
    kind === "plugin_metadata" ? name !== "id" : name !== "id" && !STAMPS.has(name)
  );
  return Object.fromEntries(entries);
}

/** A value as it is stored: its own id first, as Apache APISIX's Admin API writes it, where the kind has one. */
export function storedForm(kind: Kind, id: string, value: unknown): unknown {
  if (!isFields(value)) return value;
  const { id: _, ...rest } = value;
  const own = ownId(kind, id);
  return own === undefined ? rest : { id: own, ...rest };
}

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A stored value as JSON; `undefined` where it is none. */
export function decodeValue(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(decoder.decode(bytes)) as unknown };
  } catch {
    return undefined;
  }
}

/** A value as the bytes that are stored. */
export function encodeValue(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
