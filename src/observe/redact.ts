/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

/** Names whose values are secrets, whoever logs them. `key` alone is not: it names a key of the store. */
const SECRET_NAME =
  /pass(?:word|wd|phrase)|secret|token|credential|authorization|cookie|signature|(?:api|admin|private|client|access)[-_]?key|^(?:apikey|jwt)$/i;

/** A user name and password in a URL, and a private key, in the middle of a text. */
const SECRET_TEXT =
  /(\/\/)[^/?#\s@:]*:[^/?#\s@]*@|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;

/** Whether a field of that name holds a secret. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** A text without what looks like a secret in it. */
export function redactText(text: string): string {
  return text.replace(SECRET_TEXT, (_, slashes?: string) => slashes === undefined ? REDACTED : `//${REDACTED}@`);
}

/**
 * The target of a request without the values of query parameters that look like secrets, for the access log.
 *
 * @param concealed Names of further parameters that hold secrets.
 *
 * @example
 * ```ts
 * redactTarget("/a?apikey=k1&page=2"); // "/a?apikey=[redacted]&page=2"
 * ```
 */
export function redactTarget(target: string, concealed?: ReadonlySet<string>): string {
  const start = target.indexOf("?");
  if (start < 0) return target;
  // Some write `;` for `&` (HTML 4.01 appendix B.2.2), and what is not read as an argument is a secret all the same.
  const query = target.slice(start + 1).split(/([&;])/).map((pair) => {
    const name = pair.split("=", 1)[0]!;
    if (name.length === pair.length) return pair;
    const plain = decode(name);
    return isSecretName(plain) || concealed?.has(plain) ? `${name}=${REDACTED}` : pair;
  });
  return `${target.slice(0, start)}?${query.join("")}`;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
