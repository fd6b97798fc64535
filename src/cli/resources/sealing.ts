import { isReference } from "../../config/pem.ts";
import type { Kind } from "../../config/kinds.ts";
import type { Keyring } from "../../config/keyring.ts";
import { findSecrets } from "../../config/secret-places.ts";
import type { Catalogue } from "../../pipeline/catalogue.ts";
import { REDACTED } from "./secrets.ts";

/** Opens and closes what is kept encrypted at rest, so that the same secret is no difference however it is written. */
export interface Sealing {
  /** A copy with every secret decrypted, as far as a key fits. */
  open(kind: Kind, value: unknown, catalogue: Catalogue): Promise<unknown>;
  /**
   * A copy with secrets as they are to be stored: as one of `written` has them where that is the same secret, else encrypted where there is a key
   * for that.
   */
  close(kind: Kind, value: unknown, written: readonly unknown[], catalogue: Catalogue): Promise<unknown>;
}

/**
 * @param reads Decrypts.
 * @param writes Encrypts; without it, new secrets are stored as they are.
 */
export function createSealing(reads: Keyring, writes: Keyring | undefined): Sealing {
  const placesOf = (kind: Kind, value: unknown, catalogue: Catalogue) =>
    findSecrets(kind, value, false, catalogue).filter(({ text, encrypted }) =>
      encrypted && !isReference(text) && text !== REDACTED
    );
  return {
    async open(kind, value, catalogue) {
      if (placesOf(kind, value, catalogue).length === 0) return value;
      const copy = structuredClone(value);
      await Promise.all(
        placesOf(kind, copy, catalogue).map(async ({ text, set }) => {
          const plain = text.startsWith("---") ? undefined : await reads.decrypt(text);
          if (plain !== undefined) set(plain);
        }),
      );
      return copy;
    },
    async close(kind, value, written, catalogue) {
      const places = placesOf(kind, value, catalogue);
      if (places.length === 0) return value;
      const known = new Map<string, Map<string, string>>();
      for (const each of written) {
        for (const { path, text } of placesOf(kind, each, catalogue)) {
          const plain = text.startsWith("---") ? undefined : await reads.decrypt(text);
          const texts = known.get(path) ?? new Map<string, string>();
          known.set(path, texts);
          if (plain !== undefined && !texts.has(plain)) texts.set(plain, text);
        }
      }
      const copy = structuredClone(value);
      await Promise.all(
        placesOf(kind, copy, catalogue).map(async ({ path, text, set }) => {
          const same = known.get(path)?.get(text);
          if (same !== undefined) set(same);
          else if (writes !== undefined) set(await writes.encrypt(text));
        }),
      );
      return copy;
    },
  };
}
