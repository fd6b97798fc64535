import type { Batch, ConfigSource, SourceStatus } from "../../store/source.ts";
import { BatchQueue } from "../batch-queue.ts";
import { type Carrier, type CarrierName, loadCarrier } from "./carrier.ts";
import { SyncLoop } from "./loop.ts";
import { type EtcdSettings, type EtcdSourceOptions, parseEtcdOptions } from "./options.ts";

export { defaultCarrier, type EtcdSourceOptions } from "./options.ts";
export { type EtcdWriter, etcdWriter } from "./writer.ts";
export type { CarrierName } from "./carrier.ts";
export type { EtcdLimits } from "./limits.ts";
export type { TlsOptions } from "./tls.ts";
export type { LogLevel, SourceLog } from "../log.ts";

/** What a test may replace. */
export interface EtcdSourceParts {
  readonly load?: (name: CarrierName) => Promise<Carrier>;
  /** From 0 to below 1. */
  readonly random?: () => number;
}

/**
 * Reads a prefix of etcd: lists it at one revision, watches from the next, and lists again whenever something is doubtful.
 * `docs/etcd.md` says what it does under which fault.
 *
 * @throws TypeError where an option is missing or wrong.
 * @example
 * ```ts
 * const gateway = createGateway({ source: etcdSource({ endpoints: ["http://127.0.0.1:2379"], prefix: "/gatewatch" }) });
 * ```
 */
export function etcdSource(options: EtcdSourceOptions): ConfigSource {
  return createEtcdSource(parseEtcdOptions(options));
}

/** As {@link etcdSource}, with parts that a test replaces. */
export function createEtcdSource(settings: EtcdSettings, parts: EtcdSourceParts = {}): ConfigSource {
  const { load = loadCarrier, random = Math.random } = parts;
  let loop = new SyncLoop(settings, load, random);
  let started = false;

  async function* read(signal: AbortSignal): AsyncGenerator<Batch> {
    if (started) loop = new SyncLoop(settings, load, random);
    started = true;
    const queue = new BatchQueue();
    const left = new AbortController();
    const stopped = AbortSignal.any([signal, left.signal]);
    const close = () => queue.close();
    stopped.addEventListener("abort", close, { once: true });
    if (stopped.aborted) close();
    const done = loop.run(queue, stopped);
    try {
      for (let batch = await queue.take(); batch; batch = await queue.take()) yield batch;
    } finally {
      left.abort(new Error("the source is no longer read"));
      await done;
    }
  }

  return { prefix: settings.prefix, read, status: (): SourceStatus => loop.status() };
}
