import { getLogger } from "@logtape/logtape";
import { writeHead, writeLabels, writeSample } from "../../pipeline/metrics.ts";

const log = getLogger(["gatewatch", "tls"]);

/** Why a connection came to nothing before its first request. */
export type HandshakeRefusal = "no_certificate" | "client_certificate" | "not_tls" | "timeout" | "failed";

const WHY: Readonly<Record<HandshakeRefusal, string>> = {
  no_certificate: "there is no certificate for the server name",
  client_certificate: "the client's certificate comes from too far below the authorities of its ssl",
  not_tls: "the client does not speak TLS",
  timeout: "the handshake took too long",
  failed: "the handshake failed",
};

/** Milliseconds between two lines about the same reason. */
const INTERVAL = 60_000;

/** Counts handshakes that were refused, and says so once in a while: clients decide how many there are. */
export class Refusals {
  readonly #counts: Map<HandshakeRefusal, number> = new Map(
    (Object.keys(WHY) as HandshakeRefusal[]).map((reason) => [reason, 0]),
  );
  /** When a line was last written, and the count of then. */
  readonly #told: Map<HandshakeRefusal, { readonly at: number; readonly count: number }> = new Map();
  readonly #now: () => number;

  /** @param now Milliseconds of any clock. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** @param detail What the line shows of the one that it is written for: nothing secret, and of a bounded length. */
  add(reason: HandshakeRefusal, detail: Readonly<Record<string, string | undefined>>): void {
    const count = this.#counts.get(reason)! + 1;
    this.#counts.set(reason, count);
    const told = this.#told.get(reason), now = this.#now();
    if (told !== undefined && now - told.at < INTERVAL) return;
    this.#told.set(reason, { at: now, count });
    // Scanners and health checks of load balancers do this all the time.
    const level = reason === "no_certificate" || reason === "client_certificate" ? "warn" : "debug";
    log[level]("Refused {count} TLS handshakes since the last such line: {why}", {
      count: count - (told?.count ?? 0),
      why: WHY[reason],
      reason,
      ...detail,
    });
  }

  count(reason: HandshakeRefusal): number {
    return this.#counts.get(reason)!;
  }

  /** Metrics of the process, for Prometheus. */
  write(): string {
    const name = "gatewatch_tls_handshakes_refused_total";
    let text = writeHead(name, "TLS connections of clients that came to nothing before a request", "counter");
    for (const [reason, count] of this.#counts) text += writeSample(name, writeLabels(["reason"], [reason]), count);
    return text;
  }
}
