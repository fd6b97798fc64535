import type { Issue } from "../config/issue.ts";
import type { WriteErrorCode } from "../store/writable.ts";

/** What ends a request of the Admin API early: the status and the reply, as Apache APISIX has them. */
export class AdminError extends Error {
  override readonly name: string = "AdminError";
  readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 412 | 415 | 503;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: AdminError["status"], body: string | Readonly<Record<string, unknown>>) {
    const reply = typeof body === "string" ? { error_msg: body } : body;
    super(String(reply["error_msg"] ?? reply["message"] ?? status));
    this.status = status;
    this.body = reply;
  }
}

/** Refuses a value: the text names every issue, `issues` has them one by one with their paths. */
export function invalid(issues: readonly Issue[], what = "configuration"): AdminError {
  const text = issues.map(({ path, message }) => path === "" ? message : `${path} ${message}`).join("; ");
  return new AdminError(400, { error_msg: `invalid ${what}: ${text}`, issues });
}

/** As etcd's answer for a key that is not there reads in APISIX. */
export function notFound(): AdminError {
  return new AdminError(404, { message: "Key not found" });
}

/** Statuses of a store that does not do what it is asked for. */
export const STORE_STATUS: Readonly<Record<WriteErrorCode, 400 | 503>> = {
  unavailable: 503,
  uncertain: 503,
  refused: 503,
  unsupported: 400,
  compacted: 400,
};
