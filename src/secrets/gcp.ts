import type { GcpAccount, GcpSecret } from "../config/secret.ts";
import { GCP_DEFAULTS } from "../config/secret.ts";
import { type AskManager, isObject, jsonFieldOf, readObject, SecretError, statusError, under } from "./manager.ts";

/** Reads a file as text. @throws where it cannot. */
export type ReadFile = (path: string) => Promise<string>;

/** Seconds that a token is no longer used before it ends. */
const MARGIN = 60;
/** Seconds that a token is asked for. */
const LIFETIME = 3600;
/** Tokens kept at the most. */
const MAX_TOKENS = 64;

interface Token {
  readonly header: string;
  /** Milliseconds since 1970. */
  readonly expires: number;
}

/** Reads from Google Secret Manager; keeps access tokens for as long as they are good. */
export class GcpClient {
  readonly #ask: AskManager;
  readonly #readFile: ReadFile | undefined;
  readonly #now: () => number;
  readonly #tokens: Map<string, Token> = new Map();

  /** @param now Milliseconds since 1970. */
  constructor(ask: AskManager, readFile?: ReadFile, now: () => number = Date.now) {
    this.#ask = ask;
    this.#readFile = readFile;
    this.#now = now;
  }

  /**
   * Reads `<name>` or `<name>/<field>` (`apisix/secret/gcp.lua`), in its latest version.
   *
   * @throws {SecretError}
   */
  async read(config: GcpSecret, key: string, signal: AbortSignal): Promise<string> {
    const slash = key.indexOf("/");
    const name = slash < 0 ? key : key.slice(0, slash);
    if (name === "") throw new SecretError("for gcp, a name must follow: name or name/field");
    const account = config.auth_config ?? await this.#accountOf(config.auth_file);
    const { entries_uri = GCP_DEFAULTS.entries_uri, project_id } = account;
    const base = under(entries_uri, `projects/${project_id}/secrets/${name}/versions`);
    // The colon is part of the method's name, and not to be encoded.
    const url = new URL(`${base.href}/latest:access`);
    const authorization = await this.#authorize(account, signal);
    const answer = await this.#ask({
      method: "GET",
      url,
      headers: ["Authorization", authorization, "Accept", "application/json"],
    }, signal);
    if (answer.status === 401) this.#tokens.clear();
    if (answer.status !== 200) throw statusError("gcp", answer.status, REASONS[answer.status]);
    const { payload } = readObject("gcp", answer.text);
    const secret = decode(isObject(payload) ? payload.data : undefined);
    return slash < 0 ? secret : jsonFieldOf(secret, key.slice(slash + 1));
  }

  async #accountOf(path: string | undefined): Promise<GcpAccount> {
    if (this.#readFile === undefined || path === undefined) {
      throw new SecretError("auth_file needs a runtime's files: use auth_config");
    }
    let text: string;
    try {
      text = await this.#readFile(path);
    } catch {
      throw new SecretError(`auth_file "${path.slice(0, 128)}" cannot be read`);
    }
    const file = readObject("auth_file", text);
    const { client_email, private_key, project_id, token_uri, entries_uri, scope } = file;
    if (typeof client_email !== "string" || typeof private_key !== "string" || typeof project_id !== "string") {
      throw new SecretError("auth_file must have client_email, private_key and project_id");
    }
    return {
      client_email,
      private_key,
      project_id,
      ...(typeof token_uri === "string" ? { token_uri } : {}),
      ...(typeof entries_uri === "string" ? { entries_uri } : {}),
      ...(Array.isArray(scope) ? { scope: scope.map(String) } : {}),
    };
  }

  /** A token for the account's own signature (RFC 7523 section 2.1), asked for anew when the one at hand ends. */
  async #authorize(account: GcpAccount, signal: AbortSignal): Promise<string> {
    const { token_uri = GCP_DEFAULTS.token_uri } = account;
    const name = JSON.stringify(account);
    const held = this.#tokens.get(name);
    if (held !== undefined && held.expires > this.#now()) return held.header;
    const body = new URLSearchParams({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: await this.#assert(account, token_uri),
    }).toString();
    const answer = await this.#ask({
      method: "POST",
      url: new URL(token_uri),
      headers: ["Content-Type", "application/x-www-form-urlencoded", "Accept", "application/json"],
      body,
    }, signal);
    if (answer.status !== 200) throw statusError("gcp's token endpoint", answer.status);
    const { access_token, token_type, expires_in } = readObject("gcp's token endpoint", answer.text);
    if (typeof access_token !== "string" || !/^[\x21-\x7e]+$/.test(access_token)) {
      throw new SecretError("gcp's token endpoint gave no token");
    }
    const type = typeof token_type === "string" && /^\w+$/.test(token_type) ? token_type : "Bearer";
    const seconds = typeof expires_in === "number" ? expires_in - MARGIN : 0;
    const token = { header: `${type} ${access_token}`, expires: this.#now() + seconds * 1000 };
    if (this.#tokens.size >= MAX_TOKENS) this.#tokens.clear();
    this.#tokens.set(name, token);
    return token.header;
  }

  async #assert({ client_email, private_key, scope }: GcpAccount, audience: string): Promise<string> {
    const seconds = Math.floor(this.#now() / 1000);
    const { importPKCS8, SignJWT } = await import("jose");
    try {
      const key = await importPKCS8(private_key, "RS256");
      return await new SignJWT({ scope: (scope ?? GCP_DEFAULTS.scope).join(" ") })
        .setProtectedHeader({ alg: "RS256", typ: "JWT" })
        .setIssuer(client_email)
        .setAudience(audience)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + LIFETIME)
        .sign(key);
    } catch {
      throw new SecretError("private_key must be an RSA key in PEM (PKCS #8), as Google gives it");
    }
  }
}

const REASONS: Readonly<Record<number, string>> = {
  401: "the token is not accepted",
  403: "the account may not read it",
  404: "there is no such secret",
};

function decode(data: unknown): string {
  try {
    const bytes = Uint8Array.from(atob(String(data)), (char) => char.charCodeAt(0));
    if (typeof data === "string") return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    // Told below.
  }
  throw new SecretError("the secret is no text in UTF-8");
}
