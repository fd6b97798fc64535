/** The names of the fields that tell a client its quota. */
export interface HeaderNames {
  readonly limit: string;
  readonly remaining: string;
  readonly reset: string;
}

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * Follows the names in the plugin's metadata (`limit_header`, `remaining_header`, `reset_header`), which may change without the routes. A name that
 * cannot be sent counts as not there.
 *
 * @returns Names for a rule's prefix, which stands before `RateLimit-` (APISIX `plugins/limit-count/init.lua`, construct_rate_limiting_headers).
 */
export function followHeaderNames(
  metadata: () => Readonly<Record<string, unknown>> | undefined,
): (prefix: string | undefined) => HeaderNames {
  let seen: unknown = NAME;
  let plain: HeaderNames;
  let prefixed: Map<string, HeaderNames>;
  return (prefix) => {
    const current = metadata();
    if (current !== seen) {
      seen = current;
      plain = {
        limit: nameOf(current?.limit_header, "X-RateLimit-Limit"),
        remaining: nameOf(current?.remaining_header, "X-RateLimit-Remaining"),
        reset: nameOf(current?.reset_header, "X-RateLimit-Reset"),
      };
      prefixed = new Map();
    }
    if (prefix === undefined) return plain;
    let names = prefixed.get(prefix);
    if (names === undefined) {
      const insert = (name: string): string => name.replace("RateLimit-", () => `${prefix}-RateLimit-`);
      names = { limit: insert(plain.limit), remaining: insert(plain.remaining), reset: insert(plain.reset) };
      prefixed.set(prefix, names);
    }
    return names;
  };
}

function nameOf(configured: unknown, initial: string): string {
  return typeof configured === "string" && NAME.test(configured) ? configured : initial;
}
