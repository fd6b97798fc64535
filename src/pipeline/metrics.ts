/** A number that only grows, or a gauge's; changed in place, so that a request costs no look-up. */
export interface Counter {
  value: number;
}

/** Observations, counted by size. */
export class Histogram {
  /** Upper bounds, ascending; what is greater than the last is counted in one more. */
  readonly bounds: readonly number[];
  /** By bound; not cumulative. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    // Most observations are in the first few.
    let i = 0;
    while (i < bounds.length && value > bounds[i]!) i++;
    counts[i]!++;
    this.sum += value;
  }
}

/** A metric: its series, told apart by the values of its labels. */
export interface MetricFamily<T> {
  /**
   * The series with these label values, in the order of the labels; made if it is not there yet. To be looked up rarely, and kept.
   *
   * @param owner Whom it belongs to besides those whose it is already; a series of nobody stays for good.
   */
  series(values: readonly string[], owner?: string): T;
}

/** What a metric is to people and to Prometheus. */
export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  /** Names of its labels. Default: none. */
  readonly labels?: readonly string[];
}

/** Prometheus' types; an `untyped` one is for numbers whose name is not that of their type. */
export type MetricType = "counter" | "gauge" | "histogram" | "untyped";

interface Series<T> {
  readonly labels: string;
  readonly value: T;
  /** Undefined where it stays for good. */
  owners: Set<string> | undefined;
}

/**
 * The metrics of one gateway, written as text in Prometheus' format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/).
 *
 * @example
 * ```ts
 * const asked = metrics.counter({ name: "geo_lookups_total", help: "Look-ups by country", labels: ["country"] });
 * const sweden = asked.series(["se"]); // once
 * sweden.value++; // for each request
 * ```
 */
export class Metrics {
  readonly #families: Map<string, Family<Counter> | Family<Histogram>> = new Map();

  counter(definition: MetricDefinition): MetricFamily<Counter> {
    return this.#number(definition, "counter");
  }

  gauge(definition: MetricDefinition): MetricFamily<Counter> {
    return this.#number(definition, "gauge");
  }

  untyped(definition: MetricDefinition): MetricFamily<Counter> {
    return this.#number(definition, "untyped");
  }

  /** @param bounds Upper bounds of the buckets, ascending. */
  histogram(definition: MetricDefinition, bounds: readonly number[]): MetricFamily<Histogram> {
    return this.#family(definition, "histogram", () => new Histogram(bounds), writeHistogram);
  }

  /** Forgets every series that belongs to nobody but this owner. */
  release(owner: string): void {
    for (const family of this.#families.values()) family.release(owner);
  }

  /** Forgets every series all of whose owners are gone. */
  sweep(isThere: (owner: string) => boolean): void {
    for (const family of this.#families.values()) family.sweep(isThere);
  }

  /** The text, piece by piece. */
  *write(): Generator<string> {
    for (const family of this.#families.values()) yield* family.write();
  }

  #number(definition: MetricDefinition, type: MetricType): MetricFamily<Counter> {
    return this.#family(definition, type, () => ({ value: 0 }), writeNumber);
  }

  /** The family of that name; made if it is not there yet. */
  #family<T extends Counter | Histogram>(
    definition: MetricDefinition,
    type: MetricType,
    make: () => T,
    write: (name: string, labels: string, value: T) => string,
  ): MetricFamily<T> {
    const { name, labels = [] } = definition;
    const there = this.#families.get(name);
    if (there !== undefined) {
      if (there.type === type && there.labels.join() === labels.join()) return there as unknown as Family<T>;
      throw new Error(`Cannot add the metric '${name}' as another one has its name, with another type or other labels`);
    }
    if (!NAME.test(name) || !labels.every((label) => NAME.test(label))) {
      throw new Error(`Cannot add the metric '${name}' as its name and labels must be of letters, digits and '_'`);
    }
    const family = new Family(definition, type, make, write);
    this.#families.set(name, family as unknown as Family<Counter> | Family<Histogram>);
    return family;
  }
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

class Family<T extends Counter | Histogram> implements MetricFamily<T> {
  readonly name: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly #help: string;
  readonly #make: () => T;
  readonly #write: (name: string, labels: string, value: T) => string;
  /** By their labels as written. */
  readonly #series: Map<string, Series<T>> = new Map();
  readonly #owned: Map<string, Set<Series<T>>> = new Map();

  constructor(
    { name, help, labels = [] }: MetricDefinition,
    type: MetricType,
    make: () => T,
    write: (name: string, labels: string, value: T) => string,
  ) {
    this.name = name;
    this.type = type;
    this.labels = labels;
    this.#help = help;
    this.#make = make;
    this.#write = write;
  }

  series(values: readonly string[], owner?: string): T {
    const labels = writeLabels(this.labels, values);
    let series = this.#series.get(labels);
    if (series === undefined) {
      series = { labels, value: this.#make(), owners: owner === undefined ? undefined : new Set() };
      this.#series.set(labels, series);
    }
    if (owner === undefined) series.owners = undefined;
    else if (series.owners !== undefined && !series.owners.has(owner)) {
      series.owners.add(owner);
      const owned = this.#owned.get(owner);
      if (owned === undefined) this.#owned.set(owner, new Set([series]));
      else owned.add(series);
    }
    return series.value;
  }

  release(owner: string): void {
    for (const series of this.#owned.get(owner) ?? []) {
      const { owners } = series;
      if (owners?.delete(owner) === true && owners.size === 0) this.#series.delete(series.labels);
    }
    this.#owned.delete(owner);
  }

  sweep(isThere: (owner: string) => boolean): void {
    for (const owner of [...this.#owned.keys()]) if (!isThere(owner)) this.release(owner);
  }

  *write(): Generator<string> {
    if (this.#series.size === 0) return;
    yield writeHead(this.name, this.#help, this.type);
    for (const { labels, value } of this.#series.values()) yield this.#write(this.name, labels, value);
  }
}

/** The lines above a metric's values. */
export function writeHead(name: string, help: string, type: MetricType): string {
  return `# HELP ${name} ${help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n")}\n# TYPE ${name} ${type}\n`;
}

/** Labels as they stand in braces; empty without labels. */
export function writeLabels(names: readonly string[], values: readonly string[]): string {
  return names.map((name, i) => `${name}="${escape(values[i] ?? "")}"`).join(",");
}

/** One line with a value. */
export function writeSample(name: string, labels: string, value: number): string {
  return labels === "" ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`;
}

function writeNumber(name: string, labels: string, { value }: Counter): string {
  return writeSample(name, labels, value);
}

function writeHistogram(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  const before = labels === "" ? "" : `${labels},`;
  let text = "", total = 0;
  for (const [i, bound] of bounds.entries()) {
    total += counts[i]!;
    text += `${name}_bucket{${before}le="${bound}"} ${total}\n`;
  }
  total += counts[bounds.length]!;
  text += `${name}_bucket{${before}le="+Inf"} ${total}\n`;
  return text + writeSample(`${name}_sum`, labels, sum) + writeSample(`${name}_count`, labels, total);
}

function escape(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n") : value;
}
