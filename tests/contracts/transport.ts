import type { Transport } from "../../src/forward/transport.ts";
import { type Gaps, type Row, runContract } from "./contract.ts";
import { TransportContext } from "./transport-context.ts";
import { answerRows } from "./transport-answer.ts";
import { connectionRows } from "./transport-connection.ts";
import { requestRows } from "./transport-request.ts";
import { tlsRows } from "./transport-tls.ts";
import { upgradeRows } from "./transport-upgrade.ts";

/** What is asked of every transport, with raw sockets on the other side. */
const ROWS: readonly Row<TransportContext>[] = [
  ...requestRows,
  ...answerRows,
  ...connectionRows,
  ...upgradeRows,
  ...tlsRows,
].map((row) => ({
  ...row,
  async run(context: TransportContext) {
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
    async () => new TransportContext(await create()),
    (context) => context.transport.close(),
  );
}
