import type { Listen } from "../../src/runtimes/listener.ts";
import { type Gaps, type Row, runContract } from "./contract.ts";
import { answerRows } from "./listener-answer.ts";
import { ListenerContext } from "./listener-context.ts";
import { headRows } from "./listener-head.ts";
import { lifeRows } from "./listener-life.ts";
import { requestRows } from "./listener-request.ts";
import { upgradeRows } from "./listener-upgrade.ts";

/** What is asked of every listener, with a raw socket on the other side. */
const ROWS: readonly Row<Listen>[] = [...headRows, ...requestRows, ...answerRows, ...lifeRows, ...upgradeRows].map((
  row,
) => ({
  ...row,
  async run(listen: Listen) {
    const context = new ListenerContext(listen);
    try {
      await row.run(context);
    } finally {
      await context.end();
    }
  },
}));

export function listenerContract(implementation: string, listen: () => Promise<Listen>, gaps: Gaps): void {
  runContract(
    "listener",
    implementation,
    ROWS,
    gaps,
    listen,
    () => Promise.resolve(),
  );
}
