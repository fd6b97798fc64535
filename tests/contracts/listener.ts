import type { Listen } from "../../src/runtimes/listener.ts";
import { type Gaps, type Row, runContract } from "./contract.ts";
import { answerRows } from "./listener-answer.ts";
import { ListenerContext } from "./listener-context.ts";
import { headRows } from "./listener-head.ts";
import { lifeRows } from "./listener-life.ts";
import { requestRows } from "./listener-request.ts";
import { upgradeRows } from "./listener-upgrade.ts";
import type { RawConnection } from "../support/raw.ts";

const ALL: readonly Row<ListenerContext>[] = [...headRows, ...requestRows, ...answerRows, ...lifeRows, ...upgradeRows];

/**
 * What is asked of every listener, with a raw socket on the other side.
 *
 * @param connect How clients connect. Default: without TLS.
 * @param more Rows for this listener alone.
 */
export function listenerContract(
  implementation: string,
  listen: () => Promise<Listen>,
  gaps: Gaps,
  connect?: (port: number) => Promise<RawConnection>,
  more: readonly Row<ListenerContext>[] = [],
): void {
  const rows = [...ALL, ...more].map((row) => ({
    ...row,
    async run(listen: Listen) {
      const context = new ListenerContext(listen, connect);
      try {
        await row.run(context);
      } finally {
        await context.end();
      }
    },
  }));
  runContract(
    "listener",
    implementation,
    rows,
    gaps,
    listen,
    () => Promise.resolve(),
  );
}
