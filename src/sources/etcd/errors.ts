/**
 * What can go wrong with etcd, as far as it makes a difference to the operator or to the loop.
 *
 * - `refused`, `unreachable`, `unresolved`, `closed`, `timeout`: the way to etcd
 * - `tls`: the way to etcd, and who it is
 * - `login`, `token`, `denied`, `auth_disabled`: who we are
 * - `no_leader`, `compacted`, `future`, `no_space`: the state of etcd
 * - `too_large`: an answer above our own limit
 * - `protocol`: an answer that no etcd gives
 */
export type EtcdErrorCode =
  | "refused"
  | "unreachable"
  | "unresolved"
  | "closed"
  | "timeout"
  | "tls"
  | "login"
  | "token"
  | "denied"
  | "auth_disabled"
  | "no_leader"
  | "compacted"
  | "future"
  | "no_space"
  | "too_large"
  | "protocol"
  | "other";

/** What failed between this process and etcd. The message is for the operator and holds no credential. */
export class EtcdError extends Error {
  override readonly name: string = "EtcdError";
  readonly code: EtcdErrorCode;

  constructor(code: EtcdErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What the words for an error need to know of the connection. */
export interface ErrorContext {
  /** As the operator wrote it, without credentials. */
  readonly endpoint: string;
  readonly tls: boolean;
  /** A client certificate is shown. */
  readonly certificate: boolean;
  /** Name of the user that calls are made as. */
  readonly user?: string | undefined;
  /** Milliseconds that a call may take. */
  readonly limit: number;
}

interface Rule {
  readonly code: EtcdErrorCode;
  readonly pattern: RegExp;
  readonly text: (context: ErrorContext, detail: string) => string;
}

const at = ({ endpoint }: ErrorContext): string => `etcd at ${endpoint}`;
const as = ({ user }: ErrorContext): string => user === undefined ? "without a user" : `as user '${user}'`;

/**
 * First match wins; the patterns meet the messages of etcd itself, of grpc-js, and of the TLS stacks of Node (OpenSSL),
 * Bun (BoringSSL) and Deno (rustls).
 */
const RULES: readonly Rule[] = [
  {
    code: "login",
    pattern: /authentication failed, invalid user ID or password/i,
    text: (c) => `${at(c)} does not know the user '${c.user}' with that password`,
  },
  {
    code: "auth_disabled",
    pattern: /authentication is not enabled/i,
    text: (c) => `${at(c)} has no authentication enabled, so that logging in ${as(c)} is not possible`,
  },
  {
    code: "denied",
    pattern: /user name is empty/i,
    text: (c) => `${at(c)} wants a user and a password`,
  },
  {
    code: "denied",
    pattern: /permission denied/i,
    text: (c) => `${at(c)} does not let us read under the prefix ${as(c)} (grant the role read on the whole prefix)`,
  },
  {
    code: "token",
    pattern: /invalid auth token|revision of auth store is old/i,
    text: (c) => `${at(c)} no longer takes our login (its token has ended)`,
  },
  {
    code: "compacted",
    pattern: /required revision has been compacted/i,
    text: (c) => `${at(c)} has compacted the revision that was asked for`,
  },
  {
    code: "future",
    pattern: /required revision is a future revision/i,
    text: (c) => `${at(c)} has not reached the revision that was asked for`,
  },
  {
    code: "no_leader",
    pattern: /no leader|request timed out, possibly due to (previous leader|connection)|leader changed/i,
    text: (c) => `${at(c)} has no leader (is the majority of its cluster up?)`,
  },
  {
    code: "no_space",
    pattern: /database space exceeded/i,
    text: (c) => `${at(c)} is full and takes no writes (NOSPACE alarm)`,
  },
  {
    code: "too_large",
    pattern: /received message larger than max|answer is larger than/i,
    text: (c, detail) => `${at(c)} sent more at once than is taken (${detail})`,
  },
  {
    code: "tls",
    pattern: /altname|not valid for name|notvalidforname|hostname mismatch|ERR_TLS_CERT_ALTNAME_INVALID/i,
    text: (c, detail) =>
      `the certificate of ${at(c)} is made out to another name (${detail}): use a name or address that it holds, ` +
      `or say which name it holds as its server name`,
  },
  {
    code: "tls",
    pattern: /certificate has expired|CERT_HAS_EXPIRED|certexpired|certificate expired|expired certificate/i,
    text: (c) => `the certificate of ${at(c)} has expired`,
  },
  {
    code: "tls",
    pattern: /not yet valid|CERT_NOT_YET_VALID|notvalidyet/i,
    text: (c) => `the certificate of ${at(c)} is not valid yet (is the clock right?)`,
  },
  {
    code: "tls",
    pattern:
      /unable to verify|self.signed|unable to get (local )?issuer|unknownissuer|unknown issuer|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/i,
    text: (c) => `the certificate of ${at(c)} is not signed by a trusted authority (is its CA certificate given?)`,
  },
  {
    code: "tls",
    pattern:
      /alert bad certificate|BAD_CERTIFICATE|badcertificate|certificate.required|alert certificate|alert unknown ca|UNKNOWN_CA|alert handshake|alert number 4[0-9]|alert number 116|fatal alert/i,
    text: (c) =>
      c.certificate
        ? `${at(c)} does not take our client certificate`
        : `${at(c)} wants a client certificate (give certificate and key)`,
  },
  {
    code: "tls",
    pattern:
      /wrong version number|WRONG_VERSION_NUMBER|before secure TLS|invalidcontenttype|corrupt message|packet length/i,
    text: (c) => `${at(c)} does not speak TLS (should the address begin with http://?)`,
  },
  {
    code: "tls",
    pattern: /HTTP request to an HTTPS server/i,
    text: (c) => `${at(c)} speaks TLS (should the address begin with https://?)`,
  },
  {
    code: "tls",
    pattern: /PEM|ERR_OSSL|ASN1|no start line|key values mismatch|KEY_VALUES_MISMATCH|bad decrypt/,
    text: (c, detail) => `the certificates for ${at(c)} cannot be used (${detail})`,
  },
  {
    code: "refused",
    pattern: /ECONNREFUSED|connection refused/i,
    text: (c) => `${at(c)} refused the connection (is it running?)`,
  },
  {
    code: "unresolved",
    pattern: /ENOTFOUND|EAI_AGAIN|name resolution failed|failed to lookup address/i,
    text: (c) => `the name of ${at(c)} has no address`,
  },
  {
    code: "unreachable",
    pattern: /EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|unreachable/i,
    text: (c) => `${at(c)} cannot be reached over the network`,
  },
  {
    code: "timeout",
    pattern: /deadline exceeded|ETIMEDOUT|timed? ?out|keepalive/i,
    text: (c) => `${at(c)} did not answer within ${c.limit} ms`,
  },
  {
    code: "closed",
    pattern:
      /ECONNRESET|EPIPE|other side closed|socket hang up|GOAWAY|session closed|connection dropped|stream (was )?(reset|ended)|RST_STREAM|terminated|aborted|cancelled|premature|failed to connect|transport|server is shutting down|channel closed|closed|stopped|UND_ERR_SOCKET|destroyed/i,
    text: (c, detail) =>
      c.tls && !c.certificate
        ? `${at(c)} ended the connection (${detail}); perhaps it wants a client certificate`
        : `${at(c)} ended the connection (${detail})`,
  },
];

/** Every message and code on the way to the root of an error. */
function textOf(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  for (let depth = 0; current !== undefined && current !== null && depth < 5; depth++) {
    if (!(current instanceof Error)) {
      parts.push(String(current));
      break;
    }
    if ("code" in current && typeof current.code === "string") parts.push(current.code);
    parts.push(current.message);
    if (current instanceof AggregateError) parts.push(...current.errors.map(String));
    current = current.cause;
  }
  return parts.join(" ");
}

/** One line, and not a long one: what others wrote goes into our log. */
function toDetail(text: string): string {
  // deno-lint-ignore no-control-regex
  const line = text.replace(/[\x00-\x1f\x7f]+/g, " ").replace(/^\d+ [A-Z_]+: /, "").trim();
  const reason = /Last error: (.*?)\.? *(Resolution note.*)?$/.exec(line)?.[1] ?? line;
  return reason.length > 200 ? `${reason.slice(0, 200)}...` : reason;
}

/**
 * Any failure of a carrier in the words of the operator.
 *
 * @example
 * ```ts
 * toEtcdError(new Error("connect ECONNREFUSED 127.0.0.1:2379"), context).message;
 * // etcd at http://127.0.0.1:2379 refused the connection (is it running?)
 * ```
 */
export function toEtcdError(error: unknown, context: ErrorContext): EtcdError {
  if (error instanceof EtcdError) return error;
  const text = textOf(error);
  const detail = toDetail(text);
  const rule = RULES.find(({ pattern }) => pattern.test(text));
  return rule
    ? new EtcdError(rule.code, rule.text(context, detail), { cause: error })
    : new EtcdError("other", `${at(context)} failed: ${detail}`, { cause: error });
}
