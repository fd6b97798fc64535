import type { EtcdClient, Watch, WatchMessage } from "./client.ts";
import { Doubt } from "./doubt.ts";
import type { EtcdLimits } from "./limits.ts";

/** What a watch tells the session; each may throw a Doubt, which ends the watch. */
export interface WatchListener {
  /** etcd confirmed the watch: from here on every change is told. */
  created(): void;
  /** Everything but the confirmation and the end. */
  message(message: WatchMessage): void;
  /** A sign of life of any kind. */
  heard(): void;
}

export interface WatchOptions {
  readonly client: EtcdClient;
  readonly key: string;
  readonly end: string;
  readonly from: number;
  readonly limits: EtcdLimits;
  readonly random: () => number;
  readonly signal: AbortSignal;
  readonly listener: WatchListener;
}

/**
 * Watches until there is reason for doubt, and rejects with it: the stream ended, etcd cancelled it, it was silent although asked for a sign of
 * life, or it is time for an audit. Ends with what `signal` says when it aborts. All times are monotonic, so that a changed clock is no event.
 */
export function watchUntilDoubt(options: WatchOptions): Promise<never> {
  const { client, limits, listener, signal } = options;
  return new Promise<never>((_, reject) => {
    const start = performance.now();
    const auditMs = limits.auditMs * (0.9 + options.random() * 0.2);
    const step = Math.max(20, Math.min(500, limits.probeMs / 4));
    let heard = start;
    let asked = start;
    let ticked = start;
    let created = false;
    let answers = false;
    let probing = false;
    let over = false;
    let watch: Watch | undefined;

    const finish = (reason: unknown) => {
      if (over) return;
      over = true;
      clearInterval(timer);
      signal.removeEventListener("abort", stop);
      watch?.cancel();
      reject(reason);
    };
    const stop = () => finish(signal.reason);
    const fail = (error: Error) => finish(error instanceof Doubt ? error : toDoubt(error));

    const message = (received: WatchMessage) => {
      if (over) return;
      heard = performance.now();
      try {
        listener.heard();
        // Before anything else: what cancels a watch at a compacted revision has an empty header.
        if (received.canceled) throw cancellation(received.canceled);
        if (received.created) {
          created = true;
          listener.message(received);
          listener.created();
          // Asked at once, so that it is known early whether this etcd answers.
          watch?.requestProgress();
          return;
        }
        if (received.events.length === 0 && !received.fragment) answers = true;
        listener.message(received);
      } catch (error) {
        finish(
          error instanceof Doubt
            ? error
            : new Doubt("apply", `a change could not be applied: ${error}`, { cause: error }),
        );
      }
    };

    const probe = () => {
      watch?.requestProgress();
      // Versions 3.4.25 to 3.4.30 and 3.5.8 to 3.5.12 do not answer that on a watch that is new and idle (etcd issue 17507).
      // Then a call shows whether etcd is there at all; and, over the same connection, that this still works.
      if (answers || probing) return;
      probing = true;
      client.range({ key: options.key, limit: 1, keysOnly: true }).then(() => {
        if (!answers && client.sharesConnection) heard = performance.now();
      }, (error) => fail(error)).finally(() => probing = false);
    };

    const tick = () => {
      const now = performance.now();
      // What this process slept is no silence of etcd: what came meanwhile is read after this timer.
      const slept = now - ticked - step;
      ticked = now;
      if (slept > 1000) {
        heard += slept;
        return probe();
      }
      const silent = now - heard;
      if (!created) {
        if (silent > limits.createMs) {
          finish(new Doubt("create", `the watch was not confirmed within ${limits.createMs} ms`));
        }
        return;
      }
      if (now - start > auditMs) return finish(new Doubt("audit", "time for a full list", { planned: true }));
      if (silent > limits.silenceMs && !probing) return finish(silence(silent));
      if (silent > limits.probeMs && now - asked > limits.probeMs) {
        asked = now;
        probe();
      }
    };

    /** An etcd that never answered a request for progress may be one that cannot; then the next session is the proof of life. */
    const silence = (silent: number) =>
      new Doubt("silent", `nothing came for ${Math.round(silent)} ms, although a sign of life was asked for`, {
        planned: !answers && !client.sharesConnection,
      });

    const timer = setInterval(tick, step);
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) return stop();
    watch = client.watch({ key: options.key, end: options.end, from: options.from }, { message, failed: fail });
    if (over) watch.cancel();
  });
}

function cancellation(
  { reason, compactRevision }: { readonly reason: string; readonly compactRevision: number },
): Doubt {
  if (compactRevision > 0) {
    return new Doubt("compacted", `the revision to watch from was compacted (history begins at ${compactRevision})`);
  }
  return new Doubt("cancelled", `etcd cancelled the watch${reason === "" ? "" : `: ${reason.slice(0, 200)}`}`);
}

function toDoubt(error: Error): Doubt {
  const code = "code" in error && typeof error.code === "string" ? error.code : "stream";
  return new Doubt(code, error.message, { cause: error });
}
