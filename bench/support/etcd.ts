import { join } from "node:path";
import { freePort, scratch, start } from "./processes.ts";

/** An etcd of the bench's own, written over its JSON gateway. */
export interface BenchEtcd {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
  /** Writes keys, 100 a transaction. */
  put(entries: Iterable<readonly [key: string, value: object]>): Promise<void>;
}

/** Operations of one transaction; etcd takes 128 unless it is told otherwise. */
const AT_ONCE = 100;

/** Starts an etcd that keeps its data in a folder of its own; it does not wait for the disk, which is not what is measured. */
export async function startEtcd(): Promise<BenchEtcd> {
  const [client, peer] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${client}`, peerUrl = `http://127.0.0.1:${peer}`;
  const args = {
    "data-dir": join(scratch(), "etcd"),
    "listen-client-urls": url,
    "advertise-client-urls": url,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
    "quota-backend-bytes": String(4 * 2 ** 30),
  };
  const pid = await start(
    "etcd",
    [...Object.entries(args).map(([name, value]) => `--${name}=${value}`), "--unsafe-no-fsync"],
    client,
  );
  const write = (entries: readonly (readonly [string, object])[]) => putAll(url, entries);
  return {
    url,
    pid,
    async put(entries) {
      let some: (readonly [string, object])[] = [];
      for (const entry of entries) {
        some.push(entry);
        if (some.length < AT_ONCE) continue;
        await write(some);
        some = [];
      }
      if (some.length > 0) await write(some);
    },
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Writes keys in one transaction. @throws Error where etcd refuses. */
export async function putAll(url: string, entries: readonly (readonly [key: string, value: object])[]): Promise<void> {
  const success = entries.map(([key, value]) => ({
    requestPut: { key: base64(key), value: base64(JSON.stringify(value)) },
  }));
  const answer = await fetch(`${url}/v3/kv/txn`, { method: "POST", body: JSON.stringify({ success }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`etcd refused to write: ${answer.status} ${text.slice(0, 300)}`);
}
