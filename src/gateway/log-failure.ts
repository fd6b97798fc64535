import { getLogger } from "@logtape/logtape";
import type { GatewayError } from "../errors.ts";
import type { HealthEvent, Upstream } from "../upstream/upstream.ts";
import type { RequestView } from "./request-view.ts";

const log = getLogger(["gatewatch", "forward"]);

/** Says in the log what the client is not told: where a request went, and what went wrong there. */
export function logFailure(error: GatewayError, view: RequestView): void {
  const fields = {
    code: error.code,
    status: error.status,
    method: view.method,
    host: view.host,
    path: view.path,
    route: view.route?.id,
    attempts: view.attempts,
    gaveUp: view.gaveUp,
    cause: error.cause,
  };
  if (error.code === "client_gone") log.debug("{method} {path}: {error}", { ...fields, error: error.message });
  else log.warn("{method} {path}: {error}", { ...fields, error: error.message });
}

const health = getLogger(["gatewatch", "health"]);

/** Says in the log when checks take a node out of use or put it back. */
export function logHealth(upstream: Upstream, event: HealthEvent): void {
  health.warn("Node {node} of {upstream} is {state}: {reason}", { upstream: upstream.id, ...event });
}
