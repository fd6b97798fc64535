import { type CarrierName, type EtcdWriter, etcdWriter } from "../../src/sources/etcd/writer.ts";
import { type EtcdServer, startEtcd } from "../support/etcd.ts";
import { writableContract } from "./writable.ts";

/** The contract over a real etcd, by one carrier. */
export function writableEtcdContract(carrier: CarrierName): void {
  let etcd: EtcdServer;
  const writers: EtcdWriter[] = [];
  const open = (): Promise<EtcdWriter> => {
    const writer = etcdWriter({ endpoints: [etcd.url], prefix: "/contract", carrier });
    writers.push(writer);
    return Promise.resolve(writer);
  };
  writableContract(`etcd over ${carrier}`, {
    async open() {
      etcd = await startEtcd();
      return open();
    },
    second: open,
    async close() {
      for (const writer of writers) writer.close();
      await etcd.close();
    },
    ttl: true,
    history: true,
  });
}
