// What the transport over HTTP/2 sends, and what it makes of nodes that keep to RFC 9113, and of those that do not.
// waits
import { http2Transport } from "../../src/runtimes/transports/http2.ts";
import { runContract } from "./contract.ts";
import { http2AnswerRows } from "./http2-answers.ts";
import { http2ConnectionRows } from "./http2-connections.ts";
import { http2EndRows } from "./http2-ends.ts";
import { TransportContext } from "./transport-context.ts";

runContract(
  "transport over HTTP/2",
  "http2",
  [...http2AnswerRows, ...http2ConnectionRows, ...http2EndRows],
  [],
  () => Promise.resolve(new TransportContext(http2Transport())),
  async (context) => {
    await context.transport.close();
    await context.end();
  },
);
