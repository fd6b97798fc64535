import { Histogram, writeHead, writeSample } from "../pipeline/metrics.ts";
import type { Batch, ConfigSource } from "../store/source.ts";

/** What passes from a source to the store, measured. */
export interface ObservedSource {
  readonly source: ConfigSource;
  /**
   * Revision of the last change of the configuration that is applied; `null` before the first list. Changes of what instances tell of themselves
   * do not count, so that telling of it changes nothing.
   */
  revision(): number | null;
  /** For Prometheus: how long changes took from their arrival, and the canary from its write, until they took effect. */
  metrics(): Iterable<string>;
}

/** Seconds. */
const BOUNDS: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const CANARY = "_canary";

const isConfiguration = (key: string): boolean => !key.startsWith("_instances/") && key !== CANARY;

/** Measures a source for who reads its batches one after another, each applied before the next one is asked for. */
export function observeSource(inner: ConfigSource): ObservedSource {
  const applied = new Distribution(
    "gatewatch_config_apply_seconds",
    "From the arrival of a change until requests are matched against it",
  );
  const propagated = new Distribution(
    "gatewatch_config_propagation_seconds",
    "From the write of the canary, by the clock of its writer, until it took effect here",
  );
  let revision: number | null = null;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    for await (const batch of inner.read(signal)) {
      const began = performance.now();
      yield batch;
      const configures = batch.changes.some(({ key }) => isConfiguration(key));
      const first = revision === null;
      if (first || configures || batch.reset !== undefined) revision = batch.revision;
      if (configures) applied.observe((performance.now() - began) / 1000);
      // The first list holds a canary that was written at some time before.
      const canary = first ? undefined : batch.changes.find(({ key, value }) => key === CANARY && value !== undefined);
      const writtenAt = canary?.value && readCanary(canary.value);
      if (writtenAt) propagated.observe(Math.max(0, Date.now() - writtenAt) / 1000);
    }
  }

  return {
    source: { prefix: inner.prefix, read, status: () => inner.status() },
    revision: () => revision,
    *metrics() {
      yield applied.write();
      if (propagated.count > 0) yield propagated.write();
    },
  };
}

/** When the canary was written, in milliseconds since 1970; `undefined` where it does not say. */
function readCanary(value: Uint8Array): number | undefined {
  if (value.length > 1024) return undefined;
  try {
    const { at } = JSON.parse(new TextDecoder().decode(value)) as { readonly at?: unknown };
    return typeof at === "number" && Number.isFinite(at) ? at : undefined;
  } catch {
    return undefined;
  }
}

/** A histogram of the process, without labels. */
class Distribution {
  readonly #name: string;
  readonly #help: string;
  readonly #values: Histogram = new Histogram(BOUNDS);
  count = 0;

  constructor(name: string, help: string) {
    this.#name = name;
    this.#help = help;
  }

  observe(seconds: number): void {
    this.#values.observe(seconds);
    this.count++;
  }

  write(): string {
    const { bounds, counts, sum } = this.#values;
    let text = writeHead(this.#name, this.#help, "histogram");
    let below = 0;
    for (const [index, bound] of bounds.entries()) {
      below += counts[index] ?? 0;
      text += writeSample(`${this.#name}_bucket`, `le="${bound}"`, below);
    }
    return text + writeSample(`${this.#name}_bucket`, `le="+Inf"`, this.count) +
      writeSample(`${this.#name}_sum`, "", sum) + writeSample(`${this.#name}_count`, "", this.count);
  }
}
