import type { Transport } from "../../src/forward/transport.ts";
import { type Gaps, type Row, runContract } from "./contract.ts";
import { TransportContext } from "./transport-context.ts";
import { answerRows } from "./transport-answer.ts";
import { connectionRows } from "./transport-connection.ts";
import { requestRows } from "./transport-request.ts";
import { tlsRows } from "./transport-tls.ts";
import { upgradeRows } from "./transport-upgrade.ts";

/** What is asked of every transport, with raw sockets on the other side. */
const ROWS: readonly Row<Transport>[] = [
  ...requestRows,
  ...answerRows,
  ...connectionRows,
  ...upgradeRows,
  ...tlsRows,
].map((row) => ({
  ...row,
  async run(transport: Transport) {
    const context = new TransportContext(transport);
    try {
      await row.run(context);
    } finally {
      await context.end();
    }
  },
}));

export function transportContract(implementation: string, create: () => Promise<Transport>, gaps: Gaps): void {
  runContract(
    "transport",
    implementation,
    ROWS,
    gaps,
    create,
    (transport) => transport.close(),
  );
}
