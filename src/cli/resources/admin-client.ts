import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { WriteError } from "../../store/writable.ts";

/** An answer of the Admin API. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
  /** The revision that a write made. */
  readonly revision: number | undefined;
}

/** What to ask. */
export interface AdminRequest {
  readonly method: "GET" | "PUT" | "DELETE";
  /** Below `/apisix/admin`, with its query. */
  readonly path: string;
  readonly body?: Uint8Array;
  /** The revision that the resource must have. */
  readonly ifMatch?: number;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 256 << 20;

/**
 * Asks an Admin API. Over node:http, since `fetch` of Bun and Deno would go through a proxy that HTTP_PROXY names.
 *
 * @throws WriteError `unavailable` or `uncertain` where nothing answers.
 */
export function askAdmin(
  origin: string,
  key: string | undefined,
  { method, path, body, ifMatch }: AdminRequest,
): Promise<AdminAnswer> {
  const send = origin.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(deadline);
      const code = method === "GET" ? "unavailable" : "uncertain";
      reject(new WriteError(code, `Cannot ask the Admin API at ${origin}: ${error.message}`, { cause: error }));
    };
    const deadline = setTimeout(() => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    const asked = send(`${origin}/apisix/admin${path}`, {
      method,
      agent: false,
      headers: {
        ...(key === undefined ? {} : { "x-api-key": key }),
        ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(body.length) }),
        ...(ifMatch === undefined ? {} : { "if-match": String(ifMatch) }),
      },
    }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) asked.destroy(new Error(`the answer is larger than ${MAX_BYTES} bytes`));
      });
      response.on("error", fail);
      response.on("end", () => {
        clearTimeout(deadline);
        const revision = Number(response.headers["x-gatewatch-revision"]);
        resolve({
          status: response.statusCode ?? 0,
          body: parse(text),
          revision: Number.isSafeInteger(revision) && revision > 0 ? revision : undefined,
        });
      });
    });
    asked.on("error", fail);
    asked.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
