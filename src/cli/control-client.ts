import { request } from "node:http";

/** An answer of a control API. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
}

/** A gateway answers in milliseconds; a health check should end before its own time is up. */
const TIMEOUT_MS = 3000;

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Asks a control API. Over node:http, since `fetch` of Bun and Deno would go through a proxy that HTTP_PROXY names.
 *
 * @param json Sent with POST where given, else GET.
 * @throws Error where nothing answers within 3 s.
 */
export function askControl(url: string, json?: unknown): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => asked.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)), TIMEOUT_MS);
    const fail = (error: Error) => {
      clearTimeout(deadline);
      reject(error);
    };
    const asked = request(url, {
      method: json === undefined ? "GET" : "POST",
      headers: json === undefined ? {} : { "content-type": "application/json" },
      agent: false,
    }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        body += chunk;
        if (body.length > MAX_BYTES) asked.destroy(new Error(`the answer is larger than ${MAX_BYTES} bytes`));
      });
      response.on("end", () => {
        clearTimeout(deadline);
        resolve({ status: response.statusCode ?? 0, body });
      });
      response.on("error", fail);
    });
    asked.on("error", fail);
    asked.end(json === undefined ? undefined : JSON.stringify(json));
  });
}
