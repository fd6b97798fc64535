import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import process from "node:process";
import { after, before, describe, it } from "node:test";

/** One behaviour that every implementation of a contract is asked for. */
export interface Row<Context> {
  /** The section of behaviours that it belongs to. */
  readonly group: string;
  /** What is expected, as a sentence. */
  readonly name: string;
  /** Most of the row is waiting: it is begun at once, beside the others. */
  readonly slow?: true;
  /** Throws where it is not so. */
  run(context: Context): Promise<void>;
}

/** A behaviour that an implementation is known not to have. */
export interface Gap {
  /** {@link Row.name}. */
  readonly row: string;
  /** What the row fails with, so that another failure, or none, does not pass for the known one. */
  readonly how: RegExp;
  /** The behaviour is there at times: the row may pass, or fail in this way. */
  readonly sometimes?: true;
}

export type Gaps = readonly Gap[];

export type RuntimeName = "deno" | "bun" | "node";

/** The runtime that runs the tests. */
export const RUNTIME: RuntimeName = "Deno" in globalThis ? "deno" : "Bun" in globalThis ? "bun" : "node";

/**
 * For rows that say `it took ... ms`: on a machine that does other things as well, one of three tries has to be as fast as wanted.
 */
export function thrice<Context>(run: (context: Context) => Promise<void>): (context: Context) => Promise<void> {
  return async (context) => {
    for (let left = 2;; left--) {
      try {
        return await run(context);
      } catch (error) {
        if (left === 0 || !(error instanceof Error) || !error.message.startsWith("it took ")) throw error;
      }
    }
  };
}

/**
 * Runs every row. A row that is a known gap has to fail in the way that was declared, so that the table of gaps cannot go out of date.
 * Afterwards the outcome of each row is printed.
 *
 * @param implementation The column of the table, together with the runtime.
 */
export function runContract<Context>(
  contract: string,
  implementation: string,
  rows: readonly Row<Context>[],
  gaps: Gaps,
  setUp: () => Promise<Context>,
  tearDown: (context: Context) => Promise<void>,
): void {
  const unknown = gaps.filter((gap) => !rows.some((row) => row.name === gap.row)).map((gap) => gap.row);
  const outcomes = new Map<string, "yes" | "gap" | "FAILED">();
  const only = process.env["CONTRACT_ONLY"];
  describe(`${contract}: ${implementation} on ${RUNTIME}`, () => {
    let context: Context;
    const begun = new Map<Row<Context>, Promise<void>>();
    before(async () => {
      context = await setUp();
      for (const row of rows) {
        if (row.slow !== true || (only !== undefined && !row.name.includes(only))) continue;
        const running = row.run(context);
        // Whoever waits for it later is told.
        running.catch(() => {});
        begun.set(row, running);
      }
    });
    after(async () => {
      await tearDown(context);
      report(contract, implementation, rows, outcomes);
    });
    it("declares gaps of rows that exist", () => assert.deepEqual(unknown, []));
    for (const row of rows) {
      if (only !== undefined && !row.name.includes(only)) continue;
      const gap = gaps.find((gap) => gap.row === row.name);
      it(gap === undefined ? row.name : `${row.name} (known gap)`, async () => {
        outcomes.set(row.name, "FAILED");
        if (gap === undefined) {
          await (begun.get(row) ?? row.run(context));
          outcomes.set(row.name, "yes");
          return;
        }
        let failure: unknown;
        try {
          await (begun.get(row) ?? row.run(context));
        } catch (error) {
          failure = error;
        }
        if (gap.sometimes === true && failure === undefined) {
          outcomes.set(row.name, "gap");
          return;
        }
        assert.notEqual(
          failure,
          undefined,
          "The gap is declared, but the behaviour is there: take it out of the table",
        );
        const message = failure instanceof Error ? failure.message : String(failure);
        if (!gap.how.test(message)) assert.fail(`The gap shows otherwise than declared (${gap.how}): ${message}`);
        outcomes.set(row.name, "gap");
      });
    }
  });
}

/** Prints the column, and adds it to the file that `CONTRACT_TABLE` names, from which `tests/contracts/table.ts` makes the whole table. */
function report<Context>(
  contract: string,
  implementation: string,
  rows: readonly Row<Context>[],
  outcomes: ReadonlyMap<string, string>,
): void {
  const column = `${RUNTIME} ${implementation}`;
  const lines = rows.filter((row) => outcomes.has(row.name)).map((row) => ({
    contract,
    group: row.group,
    row: row.name,
    column,
    outcome: outcomes.get(row.name),
  }));
  const file = process.env["CONTRACT_TABLE"];
  if (file !== undefined) appendFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  else {
    console.log(`${contract}: ${column}`);
    for (const { outcome, row } of lines) console.log(`  ${outcome?.padEnd(6)} ${row}`);
  }
}
