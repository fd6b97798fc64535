/** A request to a manager of secrets. */
export interface ManagerRequest {
  readonly method: "GET" | "POST";
  readonly url: URL;
  /** Name, value, name, value, ...; without Host and Content-Length. */
  readonly headers: readonly string[];
  readonly body?: string;
}

/** Its answer, read whole. */
export interface ManagerAnswer {
  readonly status: number;
  /** As UTF-8. */
  readonly text: string;
}

/**
 * Sends one request to a manager and reads the whole answer, within bounds; follows no redirect, and verifies certificates.
 *
 * @throws {SecretError} where there is no answer.
 */
export type AskManager = (request: ManagerRequest, signal: AbortSignal) => Promise<ManagerAnswer>;

/**
 * Why a secret could not be had. The message is shown to operators, in the status and in the log: it continues `cannot resolve ... :` and holds nothing
 * that a manager answered, since that may be the secret.
 */
export class SecretError extends Error {
  override readonly name: string = "SecretError";
  /** Whether the manager itself could not be asked, so that it need not be asked for its other secrets either. */
  readonly away: boolean;

  constructor(message: string, options: ErrorOptions & { readonly away?: boolean } = {}) {
    super(message, options);
    this.away = options.away ?? false;
  }
}

/** What an answer of another status than 200 means: whether to go on asking for others is the same question as for one that does not answer. */
export function statusError(name: string, status: number, reason?: string): SecretError {
  const told = reason === undefined ? "" : ` (${reason})`;
  return new SecretError(`${name} answered with status ${status}${told}`, { away: status >= 500 || status === 429 });
}

/** Reads an answer's JSON object. @throws {SecretError} */
export function readObject(name: string, text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (isObject(parsed)) return parsed;
  } catch {
    // Told below: the parser's own message would quote what was answered.
  }
  throw new SecretError(`${name} answered with no JSON object`);
}

/** A field of a secret that is a JSON object; numbers and truth values are written as text. @throws {SecretError} */
export function fieldOf(secret: unknown, field: string): string {
  const value = isObject(secret) && Object.hasOwn(secret, field) ? secret[field] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new SecretError(`the secret has no text in its field "${field.slice(0, 64)}"`);
}

/** A field of a secret whose text is a JSON object. @throws {SecretError} */
export function jsonFieldOf(secret: string, field: string): string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(secret);
  } catch {
    // No JSON has no fields.
  }
  return fieldOf(parsed, field);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Puts a path, whose segments are names as they are, behind a base address. @throws {SecretError} where a segment would climb. */
export function under(base: string, path: string): URL {
  const segments = path.split("/").filter((segment) => segment !== "");
  if (segments.some((segment) => segment === "." || segment === "..")) {
    throw new SecretError('its name must not have "." or ".." between slashes');
  }
  const url = new URL(base);
  url.pathname = [url.pathname.replace(/\/+$/, ""), ...segments.map(encodeURIComponent)].join("/");
  url.search = "";
  url.hash = "";
  return url;
}
