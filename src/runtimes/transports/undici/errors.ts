import { TransportError, type TransportErrorCode } from "../../../forward/transport.ts";

/** What undici's own codes say of the node. Everything else that ends an exchange is a connection that broke. */
const CODES: Readonly<Record<string, TransportErrorCode>> = {
  UND_ERR_HEADERS_OVERFLOW: "bad_answer",
  // The head announces two lengths, or one that is none.
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "bad_answer",
  UND_ERR_ABORTED: "client_gone",
  // The request's length and its body differ.
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "client_gone",
  UND_ERR_INVALID_ARG: "unsupported",
  UND_ERR_NOT_SUPPORTED: "unsupported",
};

/**
 * The error of an exchange with `where`, as the callers of transports know it.
 *
 * @param answered Whether the answer's head had been accepted: what breaks after it is the body.
 */
export function toTransportError(
  error: Error & { code?: string },
  where: string,
  sent: boolean,
  answered: boolean,
): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(answered ? "reset" : codeOf(error), sent, `${where}: ${error.message}`, { cause: error });
}

function codeOf(error: Error & { code?: string }): TransportErrorCode {
  if (error.name === "HTTPParserError") return "bad_answer";
  if (error.code === "UND_ERR_SOCKET" && /^bad (response|upgrade)/.test(error.message)) return "bad_answer";
  return CODES[error.code ?? ""] ?? "reset";
}
