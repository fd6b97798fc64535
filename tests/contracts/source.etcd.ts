import { type CarrierName, etcdSource } from "../../src/sources/etcd/source.ts";
import { startEtcd } from "../support/etcd.ts";
import { sourceContract } from "./source.ts";

/** The contract over a real etcd, by one carrier. */
export function etcdContract(carrier: CarrierName): void {
  sourceContract(`etcd over ${carrier}`, async () => {
    const etcd = await startEtcd();
    return {
      open: () => etcdSource({ endpoints: [etcd.url], prefix: "/contract", carrier }),
      async write(changes) {
        await etcd.txn(Object.entries(changes).map(([key, value]) => ({ key: `/contract/${key}`, value })));
      },
      async clear() {
        await etcd.del("/contract/", { prefix: true });
      },
      close: () => etcd.close(),
    };
  });
}
