import { request } from "node:http";

/** An answer of a control API. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: string;
}

/** Default: a gateway answers in milliseconds; a health check should end before its own time is up. */
const TIMEOUT_MS = 3000;

const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Asks a control API. Over node:http, since `fetch` of Bun and Deno would go through a proxy that HTTP_PROXY names.
 *
 * @param json Sent with POST where given, else GET.
 * @param limitMs Milliseconds. Default: 3000.
 * @throws Error where nothing answers in that time.
 */
export function askControl(url: string, json?: unknown, limitMs: number = TIMEOUT_MS): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const deadline = setTimeout(() => asked.destroy(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
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
