import { writeHead } from "../pipeline/metrics.ts";
import type { Batch, ConfigSource } from "../store/source.ts";

/** What passes from a source to the store, measured. */
export interface ObservedSource {
  readonly source: ConfigSource;
  /**
   * Revision of the last change of the configuration that is applied; `null` before the first list. Changes of what instances tell of themselves
   * do not count, so that telling of it changes nothing.
   */
  revision(): number | null;
  /** For Prometheus: how long changes took from their arrival until requests were matched against them. */
  metrics(): Iterable<string>;
}

const NAME = "gatewatch_config_apply_seconds";
/** Seconds. */
const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const isConfiguration = (key: string): boolean => !key.startsWith("_instances/");

/** Measures a source for who reads its batches one after another, each applied before the next one is asked for. */
export function observeSource(inner: ConfigSource): ObservedSource {
  const counts: number[] = BOUNDS.map(() => 0);
  let sum = 0;
  let count = 0;
  let revision: number | null = null;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of inner.read(signal)) {
      const began = performance.now();
      yield batch;
      const seconds = (performance.now() - began) / 1000;
      const configures = batch.changes.some(({ key }) => isConfiguration(key));
      if (revision === null || configures || batch.reset !== undefined) revision = batch.revision;
      if (!configures) continue;
      const bucket = BOUNDS.findIndex((bound) => seconds <= bound);
      if (bucket >= 0) counts[bucket]!++;
      sum += seconds;
      count++;
    }
  }

  return {
    source: { prefix: inner.prefix, read, status: () => inner.status() },
    revision: () => revision,
    *metrics() {
      let text = writeHead(NAME, "From the arrival of a change until requests are matched against it", "histogram");
      let below = 0;
      for (const [index, bound] of BOUNDS.entries()) {
        below += counts[index]!;
        text += `${NAME}_bucket{le="${bound}"} ${below}\n`;
      }
      yield `${text}${NAME}_bucket{le="+Inf"} ${count}\n${NAME}_sum ${sum}\n${NAME}_count ${count}\n`;
    },
  };
}
