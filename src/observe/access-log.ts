import { getLogger } from "@logtape/logtape";
import type { Attempt } from "../pipeline/context.ts";
import { ACCESS_CATEGORY } from "./logging.ts";
import { redactTarget } from "./redact.ts";

/** What the access log reads of a request; the gateway's own view of it is one. */
export interface AccessView {
  readonly method: string;
  /** As the client sent it. */
  readonly target: string;
  /** The Host field as the client sent it. */
  readonly hostField: string;
  readonly client: { readonly address: string };
  /** `performance.now()` when the request came in. */
  readonly started: number;
  /** Absent where no route took it. */
  readonly route: { readonly id: string } | undefined;
  /** Tries to send it to a node, in their order. */
  readonly attempts: readonly Attempt[];
  /** Arguments of the query that hold secrets, beside those whose names say so. */
  readonly concealed?: ReadonlySet<string> | undefined;
}

/** Takes note of an answered request. */
export type AccessLog = (view: AccessView, response: Response) => void;

/**
 * Writes one record for each answered request: `client`, `method`, `host`, `target`, `status`, `ms` (until the answer's head), `route`, `node` (the
 * last one tried), `attempts` (where there were several), `error` (the code that the gateway itself answered with).
 *
 * @param which `errors`: only those that the gateway itself answered with an error.
 */
export function createAccessLog(which: "errors" | "all"): AccessLog {
  const log = getLogger(ACCESS_CATEGORY);
  return (view, response) => {
    const error = response.headers.get("x-gatewatch-error");
    if (error === null && which === "errors") return;
    const { attempts, route } = view;
    const target = redactTarget(view.target, view.concealed);
    const ms = Math.round((performance.now() - view.started) * 10) / 10;
    log.info("{method} {target} {status}", {
      method: view.method,
      target,
      status: response.status,
      ms,
      client: view.client.address,
      host: view.hostField,
      ...(route === undefined ? {} : { route: route.id }),
      ...(attempts.length === 0 ? {} : { node: attempts.at(-1)!.node }),
      ...(attempts.length < 2 ? {} : { attempts: attempts.map(attemptText) }),
      ...(error === null ? {} : { error }),
    });
  };
}

/** `127.0.0.1:80 connect_refused 0.4 ms`. */
function attemptText({ node, status, code, ms }: Attempt): string {
  return `${node} ${code ?? status ?? ""} ${ms.toFixed(1)} ms`;
}
