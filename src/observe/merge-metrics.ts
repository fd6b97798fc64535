/** How the samples of several processes become one, by the name of a gauge; the others' highest counts. */
const LOWEST: ReadonlySet<string> = new Set([
  "gatewatch_revision",
  "gatewatch_source_synced",
  "apisix_etcd_reachable",
  "apisix_etcd_modify_indexes",
  "apisix_upstream_status",
]);
const SUMMED: ReadonlySet<string> = new Set(["apisix_nginx_http_current_connections"]);

/** One metric of one process. */
interface Family {
  readonly help: string;
  readonly type: string;
  /** By name and labels, as they were written. */
  readonly samples: Map<string, number>;
}

type Families = Map<string, Family>;

/**
 * Makes one set of metrics of those of several processes that do the same. Counters and histograms are added up, and those of a process that has ended stay
 * counted, since a sum that falls would look like a restart of them all. Of gauges the lowest counts where one that is behind is what matters
 * (revisions, whether something is reached), connections are added up, and of the others the highest counts.
 *
 * @example
 * ```ts
 * const merger = new MetricsMerger();
 * merger.update(1, '# TYPE requests counter\nrequests 2\n');
 * merger.update(2, '# TYPE requests counter\nrequests 3\n');
 * merger.write(); // "# TYPE requests counter\nrequests 5\n"
 * ```
 */
export class MetricsMerger {
  readonly #processes: Map<number, Families> = new Map();
  /** What processes that have ended had counted. */
  readonly #ended: Families = new Map();

  /** Takes a process's metrics, in Prometheus's text format. */
  update(process: number, text: string): void {
    this.#processes.set(process, parse(text));
  }

  /** A process has ended: what it was last seen to have counted stays. */
  end(process: number): void {
    const families = this.#processes.get(process);
    this.#processes.delete(process);
    if (families === undefined) return;
    for (const [name, family] of families) {
      if (family.type === "gauge") continue;
      const kept = familyOf(this.#ended, name, family);
      for (const [key, value] of family.samples) kept.samples.set(key, (kept.samples.get(key) ?? 0) + value);
    }
  }

  /** The sum of a counter over all of its labels and processes, those that have ended included. */
  sum(name: string): number {
    let sum = 0;
    for (const families of [...this.#processes.values(), this.#ended]) {
      for (const value of families.get(name)?.samples.values() ?? []) sum += value;
    }
    return sum;
  }

  /** All of it in the same format. */
  write(): string {
    const merged: Families = new Map();
    for (const families of [...this.#processes.values(), this.#ended]) {
      for (const [name, family] of families) {
        const into = familyOf(merged, name, family);
        const join = joinOf(name, family.type);
        for (const [key, value] of family.samples) {
          const before = into.samples.get(key);
          into.samples.set(key, before === undefined ? value : join(before, value));
        }
      }
    }
    let text = "";
    for (const [name, { help, type, samples }] of merged) {
      if (help !== "") text += `# HELP ${name} ${help}\n`;
      text += `# TYPE ${name} ${type}\n`;
      for (const [key, value] of samples) text += `${key} ${numberText(value)}\n`;
    }
    return text;
  }
}

function joinOf(name: string, type: string): (a: number, b: number) => number {
  if (type !== "gauge" || SUMMED.has(name)) return (a, b) => a + b;
  return LOWEST.has(name) ? Math.min : Math.max;
}

function familyOf(families: Families, name: string, { help, type }: Family): Family {
  let family = families.get(name);
  if (family === undefined) families.set(name, family = { help, type, samples: new Map() });
  return family;
}

/** Samples follow the `# TYPE` line of their metric. */
function parse(text: string): Families {
  const families: Families = new Map();
  let help = "", family: Family | undefined;
  for (const line of text.split("\n")) {
    const head = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line);
    if (head !== null) {
      if (head[1] === "HELP") help = head[3]!;
      else {
        families.set(head[2]!, family = { help, type: head[3]!, samples: new Map() });
        help = "";
      }
      continue;
    }
    const space = line.lastIndexOf(" ");
    if (line === "" || line.startsWith("#") || space < 0) continue;
    family?.samples.set(line.slice(0, space), numberOf(line.slice(space + 1)));
  }
  return families;
}

function numberOf(text: string): number {
  if (text === "+Inf") return Infinity;
  return text === "-Inf" ? -Infinity : Number(text);
}

function numberText(value: number): string {
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
