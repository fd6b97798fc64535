// What HTTP/2 of the listener http1 does with clients that keep to RFC 9113, and with those that do not.
// waits
import { type Row, runContract } from "./contract.ts";
import { http2BoundRows } from "./http2-bounds.ts";
import { http2LifeRows } from "./http2-life.ts";
import { http2RefusalRows } from "./http2-refusals.ts";
import { http2RequestRows } from "./http2-requests.ts";
import { ListenerContext } from "./listener-context.ts";
import { thisRuntime } from "./runtime.ts";

const rows: readonly Row<ListenerContext>[] = [
  ...http2RequestRows,
  ...http2LifeRows,
  ...http2RefusalRows,
  ...http2BoundRows,
];

runContract(
  "listener over HTTP/2",
  "http1",
  rows,
  [],
  async () => new ListenerContext((await thisRuntime()).listeners.http1),
  (context) => context.end(),
);
