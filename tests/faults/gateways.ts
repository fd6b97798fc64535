import { createGateway, type Gateway, type GatewayOptions } from "../../src/gateway/gateway.ts";
import { http1Transport } from "../../src/runtimes/transports/http1.ts";
import { etcdSource, type EtcdSourceOptions } from "../../src/sources/etcd/source.ts";
import type { KeyStatus } from "../../src/store/key-status.ts";
import type { EtcdServer } from "../support/etcd.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { PREFIX } from "./rig.ts";

/** A whole gateway over an etcd, in this process, with a proxy between them. */
export interface FaultyGateway {
  readonly gateway: Gateway;
  readonly proxy: Proxy;
  /** What the source logged, from level info on. */
  readonly lines: readonly string[];
  get(path: string): Promise<{ readonly status: number; readonly body: string }>;
  /** Waits until a revision is served. */
  applied(revision: number, limit?: number): Promise<void>;
  /** Waits until the source is in step. */
  synced(limit?: number): Promise<void>;
  /** What became of a key below the prefix; `undefined` where nothing is known of it. */
  keyStatus(key: string): KeyStatus | undefined;
  /** Its state and issues in one line. */
  verdict(key: string): string;
  close(): Promise<void>;
}

export interface FaultyGatewayOptions {
  readonly gateway?: Omit<GatewayOptions, "source" | "transport">;
  readonly source?: Partial<EtcdSourceOptions>;
}

export async function startFaultyGateway(
  etcd: EtcdServer,
  options: FaultyGatewayOptions = {},
): Promise<FaultyGateway> {
  const proxy = await startProxy({ host: "127.0.0.1", port: etcd.port });
  const lines: string[] = [];
  const source = etcdSource({
    endpoints: [proxy.url],
    prefix: PREFIX,
    spreadMs: 50,
    backoffMaxMs: 500,
    log: (level, message, fields) => {
      if (level !== "debug") lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
    },
    ...options.source,
  });
  const transport = http1Transport();
  const gateway = createGateway({ ...options.gateway, source, transport });
  const keyStatus = (key: string): KeyStatus | undefined => {
    for (const status of gateway.keys({})) if (status.key === `${PREFIX}/${key}`) return status;
    return undefined;
  };
  return {
    gateway,
    proxy,
    lines,
    async get(path) {
      const response = await gateway.fetch(new Request(`http://gate.test${path}`));
      return { status: response.status, body: await response.text() };
    },
    applied: async (revision, limit = 5000) => {
      await until(() => (gateway.status().revision ?? 0) >= revision, {
        limit,
        what: `revision ${revision} is served`,
      });
    },
    synced: async (limit = 10_000) => {
      await until(() => gateway.status().ready && gateway.status().source.state === "synced", {
        limit,
        what: "the gateway is in step",
      });
    },
    keyStatus,
    verdict(key) {
      const status = keyStatus(key);
      if (status === undefined) return "not there";
      return [status.state, ...status.issues.map(({ path, message }) => `${path} ${message}`.trim())].join(": ");
    },
    async close() {
      await gateway.close();
      await transport.close();
      await proxy.close();
    },
  };
}
