import { TransportError, type TransportErrorCode } from "../../../forward/transport.ts";

/** What undici's own codes say of the node. Everything else that ends an exchange is a connection that broke. */
const CODES: Readonly<Record<string, TransportErrorCode>> = {
  UND_ERR_HEADERS_OVERFLOW: "bad_answer",
  UND_ERR_RESPONSE: "bad_answer",
  UND_ERR_RES_EXCEEDED_MAX_SIZE: "bad_answer",
  UND_ERR_ABORTED: "client_gone",
  // The request itself could not be written: its length and its body differ, or a field is not allowed.
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: "client_gone",
  UND_ERR_INVALID_ARG: "unsupported",
  UND_ERR_NOT_SUPPORTED: "unsupported",
};

/** The error of an exchange with `where`, as the callers of transports know it. */
export function toTransportError(error: Error & { code?: string }, where: string, sent: boolean): TransportError {
  if (error instanceof TransportError) return error;
  return new TransportError(codeOf(error), sent, `${where}: ${error.message}`, { cause: error });
}

function codeOf(error: Error & { code?: string }): TransportErrorCode {
  const code = error.code ?? "";
  // The parser's error has no code where what it read does not even begin like an answer.
  if (code.startsWith("HPE_") || error.name === "HTTPParserError") return "bad_answer";
  if (code === "UND_ERR_SOCKET" && /^bad (response|upgrade)/.test(error.message)) return "bad_answer";
  return CODES[code] ?? "reset";
}
