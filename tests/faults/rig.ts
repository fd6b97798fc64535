import assert from "node:assert/strict";
import process from "node:process";
import { type Carrier, type CarrierName, loadCarrier } from "../../src/sources/etcd/carrier.ts";
import { type EtcdSourceOptions, parseEtcdOptions } from "../../src/sources/etcd/options.ts";
import { createEtcdSource } from "../../src/sources/etcd/source.ts";
import type { ConfigSource } from "../../src/store/source.ts";
import { Collector } from "../contracts/collector.ts";
import { createEtcd, type EtcdOptions, type EtcdServer } from "../support/etcd.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";

/** Whole durations of the catalogue, instead of what is enough to see the same in less time. */
export const LONG: boolean = process.env["GATEWATCH_FAULTS"] === "long";

export const PREFIX = "/faults";
export const CARRIERS: readonly CarrierName[] = ["grpc", "json"];

/** The password of every user that a test makes; it must be found nowhere in what the source says. */
export const PASSWORD = "geheim-7b1f";

/** What sits between a carrier and the loop, for faults that no network makes. */
export type Tamper = (create: Carrier, name: CarrierName) => Carrier;

/** One source, read through a proxy of its own, and all that it said. */
export class Reader {
  readonly carrier: CarrierName;
  readonly proxy: Proxy;
  readonly collector: Collector;
  readonly lines: string[];
  readonly #since: number = performance.now();

  constructor(carrier: CarrierName, proxy: Proxy, source: ConfigSource, lines: string[]) {
    this.carrier = carrier;
    this.proxy = proxy;
    this.lines = lines;
    this.collector = new Collector(source);
  }

  get status(): ReturnType<ConfigSource["status"]> {
    return this.collector.source.status();
  }

  get state(): string {
    return this.status.state;
  }

  count(name: string): number {
    return Number(this.status.details?.[name]);
  }

  /** Stops without a look at how it was. */
  async abandon(): Promise<void> {
    await this.collector.stop().catch(() => undefined);
    await this.proxy.close();
  }

  /** The invariants that hold whatever happened; then the source is stopped. */
  async finish(): Promise<void> {
    const said = `${this.lines.join("\n")} ${JSON.stringify(this.status)}`;
    assert.ok(await this.collector.stop() < 1000, `${this.carrier}: did not stop within a second`);
    assert.deepEqual(this.collector.broken, [], this.carrier);
    assert.ok(!said.includes(PASSWORD), `${this.carrier}: said the password`);
    const minutes = 1 + (performance.now() - this.#since) / 60_000;
    assert.ok(
      this.lines.length <= 12 * minutes,
      `${this.carrier}: ${this.lines.length} lines:\n${this.lines.join("\n")}`,
    );
    assert.equal(this.state, "closed");
  }
}

export interface RigOptions extends EtcdOptions {
  /** Do not start etcd yet. */
  readonly away?: boolean;
}

/** An etcd, and a reader per carrier. What a test makes of it is stopped and checked by {@link Rig.close}. */
export class Rig {
  readonly etcd: EtcdServer;
  readonly readers: Reader[] = [];
  readonly #crashes: unknown[] = [];
  readonly #onCrash = (error: unknown): void => void this.#crashes.push(error);

  constructor(etcd: EtcdServer) {
    this.etcd = etcd;
    process.on("uncaughtException", this.#onCrash);
    process.on("unhandledRejection", this.#onCrash);
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const etcd = await createEtcd(options);
    if (!options.away) await etcd.start();
    return new Rig(etcd);
  }

  /** Reads with one carrier, or with each. `endpoints` replaces the reader's own proxy. */
  async read(
    options: Partial<EtcdSourceOptions> = {},
    { carriers = CARRIERS, tamper, wrap = (source) => source }: {
      readonly carriers?: readonly CarrierName[];
      readonly tamper?: Tamper;
      /** What stands between the source and its reader. */
      readonly wrap?: (source: ConfigSource, carrier: CarrierName) => ConfigSource;
    } = {},
  ): Promise<Reader[]> {
    for (const carrier of carriers) {
      const proxy = await startProxy({ host: "127.0.0.1", port: this.etcd.port });
      const lines: string[] = [];
      const scheme = this.etcd.url.split(":", 1)[0];
      const settings = parseEtcdOptions({
        endpoints: [`${scheme}://${this.etcd.host}:${proxy.port}`],
        prefix: PREFIX,
        carrier,
        log: (level, message, fields) => {
          if (level !== "debug") lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
        },
        ...options,
      });
      const load = async (name: CarrierName) => {
        const real = await loadCarrier(name);
        return tamper ? tamper(real, name) : real;
      };
      this.readers.push(new Reader(carrier, proxy, wrap(createEtcdSource(settings, { load }), carrier), lines));
    }
    return this.readers;
  }

  /** Puts `count` routes in transactions of 100. */
  async fill(count: number, value = (index: number): string => `{"uri":"/${index}"}`): Promise<void> {
    for (let from = 0; from < count; from += 100) {
      const size = Math.min(100, count - from);
      await this.etcd.txn(
        Array.from({ length: size }, (_, at) => ({ key: `${PREFIX}/routes/${from + at}`, value: value(from + at) })),
      );
    }
  }

  put(key: string, value: string): Promise<number> {
    return this.etcd.put(`${PREFIX}/${key}`, value);
  }

  /** Waits until every reader is in step. */
  async synced(limit = 10_000): Promise<void> {
    for (const { collector } of this.readers) await collector.synced(limit);
  }

  /** Waits until every reader holds exactly what etcd holds; resolves to the milliseconds per carrier. */
  async converged(limit: number): Promise<Record<string, number>> {
    const start = performance.now();
    const content = await until(() => this.etcd.all(`${PREFIX}/`), {
      limit: 10_000,
      every: 20,
      what: "etcd can be read",
    });
    const expected = new Map([...content].map(([key, value]) => [key.slice(PREFIX.length + 1), value]));
    const times: Record<string, number> = {};
    await Promise.all(this.readers.map(async ({ carrier, collector }) => {
      try {
        await collector.holds(expected, Math.max(1, limit - (performance.now() - start)));
        await collector.synced(Math.max(1000, limit - (performance.now() - start)));
      } catch (error) {
        throw new Error(`${carrier}: ${(error as Error).message}`);
      }
      times[carrier] = Math.round(performance.now() - start);
    }));
    return times;
  }

  /** Waits until each reader doubts; resolves to the milliseconds per carrier. */
  async doubted(limit: number): Promise<Record<string, number>> {
    const start = performance.now();
    const times: Record<string, number> = {};
    await Promise.all(this.readers.map(async (reader) => {
      await until(() => reader.state !== "synced", { limit, what: `${reader.carrier} doubts` });
      times[reader.carrier] = Math.round(performance.now() - start);
    }));
    return times;
  }

  async close(): Promise<void> {
    const readers = this.readers.splice(0);
    try {
      for (const reader of readers) await reader.finish();
      assert.deepEqual(this.#crashes, []);
    } finally {
      for (const reader of readers) await reader.abandon();
      process.off("uncaughtException", this.#onCrash);
      process.off("unhandledRejection", this.#onCrash);
      await this.etcd.close();
    }
  }
}

/** Runs a test with a rig of its own, and checks the invariants at its end. */
export function withRig(options: RigOptions, test: (rig: Rig) => Promise<void>): () => Promise<void> {
  return async () => {
    const rig = await Rig.start(options);
    let passed = false;
    try {
      await test(rig);
      passed = true;
    } finally {
      // The first failure is the one that tells something.
      await rig.close().catch((error) => {
        if (passed) throw error;
      });
    }
  };
}

/** Writes figures where a test's reader finds them. */
export function report(row: string, figures: Readonly<Record<string, unknown>>): void {
  console.log(`# ${row} ${JSON.stringify(figures)}`);
}

export const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
