/** Keys that fields are encrypted with at rest. */
export interface Keyring {
  /** Tries every key; `undefined` where none fits, or the text is no ciphertext at all. */
  decrypt(text: string): Promise<string | undefined>;
  /** With the first key. */
  encrypt(text: string): Promise<string>;
}

/** APISIX's own (`apisix/cli/config.lua`, `data_encryption.keyring`), which everybody knows: it hides nothing, but reads what was stored with it. */
export const APISIX_KEYRING: readonly string[] = ["qeddd145sfvddff3", "edd1c9f0985e76a2"];

interface Key {
  readonly key: Promise<CryptoKey>;
  readonly iv: Uint8Array<ArrayBuffer>;
}

/**
 * Makes a keyring as Apache APISIX uses it (`apisix/core/data_encryption.lua`): AES in CBC mode with the key itself as the initialisation
 * vector, PKCS #7 padding, base64.
 *
 * @param keys 16 or 32 bytes each; the first encrypts, all decrypt.
 * @throws {TypeError} where there is no key, or one of another length.
 */
export function createKeyring(keys: readonly string[]): Keyring {
  const ring = keys.map(toKey);
  const first = ring[0];
  if (first === undefined) throw new TypeError("Cannot make a keyring as it must have at least one key");
  return {
    async decrypt(text) {
      const sealed = fromBase64(text);
      if (sealed === undefined) return undefined;
      for (const { key, iv } of ring) {
        try {
          const plain = await crypto.subtle.decrypt({ name: "AES-CBC", iv }, await key, sealed);
          return new TextDecoder("utf-8", { fatal: true }).decode(plain);
        } catch {
          // Another key's padding or no UTF-8: the next key may fit.
        }
      }
      return undefined;
    },
    async encrypt(text) {
      const plain = new TextEncoder().encode(text);
      const sealed = await crypto.subtle.encrypt({ name: "AES-CBC", iv: first.iv }, await first.key, plain);
      return toBase64(new Uint8Array(sealed));
    },
  };
}

function toKey(text: string, index: number): Key {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length !== 16 && bytes.length !== 32) {
    throw new TypeError(
      `Cannot use key ${index} of the keyring as it must have 16 or 32 bytes: it has ${bytes.length}`,
    );
  }
  return {
    key: crypto.subtle.importKey("raw", bytes, "AES-CBC", false, ["encrypt", "decrypt"]),
    iv: bytes.slice(0, 16),
  };
}

/** Whole blocks of ciphertext, or nothing: most plain texts end here. */
function fromBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length < 24 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const binary = atob(text);
  if (binary.length % 16 !== 0) return undefined;
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}
