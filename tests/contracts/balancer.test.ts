import { ConsistentHash } from "../../src/upstream/balance/hash.ts";
import { LeastConnections } from "../../src/upstream/balance/least-conn.ts";
import { PeakEwma } from "../../src/upstream/balance/ewma.ts";
import { RoundRobin } from "../../src/upstream/balance/round-robin.ts";
import { seededRandom } from "../unit/upstream/seeded-random.ts";
import { testBalancer } from "./balancer.ts";

testBalancer({ name: "roundrobin", make: () => new RoundRobin(), tolerance: 0.0001 });
testBalancer({ name: "chash", make: () => new ConsistentHash(), tolerance: 0.2 });
testBalancer({ name: "least_conn", make: () => new LeastConnections(), tolerance: 0.0001 });
testBalancer({
  name: "ewma",
  make: () => {
    let now = 0;
    return new PeakEwma(() => now += 0.1, seededRandom(1));
  },
  tolerance: 0.05,
  drawn: true,
});
