import { WriteError } from "../store/writable.ts";
import { type CommandInput, EXIT } from "./command.ts";
import { type Carried, carryOut, toWrites } from "./resources/carry-out.ts";
import type { Plan } from "./resources/plan.ts";
import { countSteps, planJson, planLines, summary } from "./resources/plan-text.ts";
import type { Target } from "./resources/target.ts";
import { counted, createProgress, outputPaint } from "./resources/terminal.ts";
import { planOver, readRequest, type Request } from "./resources/wanted-plan.ts";
import { Failure, withTarget } from "./resources/with-target.ts";

/** Times in a row that a plan is made anew because somebody else wrote meanwhile, and nothing of it was done. */
const TRIES = 5;
/** Longest pause before the plan is made anew, for each of those times. */
const PAUSE_MS = 50;

/**
 * `gatewatch apply`: makes the store hold what a file asks for. What is there already is not written again, so that a run that was cut short is
 * finished by the next one.
 */
export async function apply(input: CommandInput): Promise<number> {
  const { flags } = input;
  return await withTarget(input, async (target) => {
    const request = await readRequest(flags, "apply", flags.switches.has("prune"));
    const plan = await planOver(target, request);
    refuseLargeDelete(plan, flags.switches.has("yes"));
    const json = flags.switches.has("json");
    if (flags.switches.has("dry-run")) {
      if (json) console.log(JSON.stringify({ dryRun: true, ...planJson(plan, request.checker.catalogue) }, null, 2));
      else {
        for (const line of planLines(plan, request.checker.catalogue, outputPaint())) console.log(line);
        const transactions = toWrites(plan.steps, target.limits).length;
        console.log(
          `${summary(plan.steps, "to do")} in ${counted(transactions, "transaction")}; nothing was written`,
        );
      }
      return EXIT.done;
    }
    const started = performance.now();
    const { carried, plans } = await applyPlan(target, request, plan, flags.switches.has("yes"));
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    const steps = plans.flatMap(({ steps }) => steps);
    if (json) {
      console.log(JSON.stringify({
        ...countSteps(steps),
        unchanged: plan.unchanged,
        transactions: carried.transactions,
        seconds: Number(seconds),
        revision: carried.revision ?? null,
      }));
    } else {
      const revision = carried.revision === undefined ? "" : `; revision ${carried.revision}`;
      const transactions = counted(carried.transactions, "transaction");
      console.log(
        steps.length === 0
          ? `Nothing to do: ${counted(plan.unchanged, "resource")} as wanted`
          : `${summary(steps, "done")}, ${plan.unchanged} unchanged: ${transactions}, ${seconds} s${revision}`,
      );
    }
    return EXIT.done;
  });
}

/** Carries a plan out; where somebody else wrote meanwhile, makes a new one of what is left. */
async function applyPlan(
  target: Target,
  request: Request,
  first: Plan,
  yes: boolean,
): Promise<{ carried: Omit<Carried, "ok">; plans: Pick<Plan, "steps">[] }> {
  const plans: Pick<Plan, "steps">[] = [];
  let plan = first;
  let steps = 0, transactions = 0;
  let revision: number | undefined;
  const progress = createProgress("Applied");
  try {
    for (let tries = 1;;) {
      const before = steps;
      const total = before + plan.steps.length;
      const carried = await carryOut(target, plan.steps, (done) => {
        steps = before + done;
        progress.update(steps, total);
      }).catch((error) => {
        throw explain(error, steps, total);
      });
      plans.push({ steps: plan.steps.slice(0, carried.steps) });
      transactions += carried.transactions;
      revision = carried.revision ?? revision;
      if (carried.ok) return { carried: { steps, transactions, revision }, plans };
      if (tries > TRIES) {
        throw new Failure(
          `Cannot apply ${request.file}: somebody else writes the same resources (${TRIES} tries); ${steps} of ${total} steps were done`,
        );
      }
      // Two that began at once would go on meeting at the same step.
      await new Promise((resolve) => setTimeout(resolve, Math.random() * PAUSE_MS * tries));
      const left = plan.steps.length - carried.steps;
      plan = await planOver(target, request);
      // What another one does of the same work is progress, too.
      tries = carried.transactions > 0 || plan.steps.length < left ? 1 : tries + 1;
      refuseLargeDelete(plan, yes);
    }
  } finally {
    progress.end();
  }
}

function explain(error: unknown, done: number, total: number): unknown {
  if (!(error instanceof WriteError)) return error;
  const rest = done === 0 ? "" : `; ${done} of ${total} steps were done, and the same command does the rest`;
  return new WriteError(error.code, `${error.message}${rest}`, { cause: error });
}

/** An empty or wrong file must not take everything down. @throws Failure */
function refuseLargeDelete({ steps, owned }: Plan, yes: boolean): void {
  const deletes = steps.filter(({ action }) => action === "delete").length;
  if (yes || deletes * 2 <= owned) return;
  throw new Failure(
    `Cannot delete ${deletes} of the ${owned} resources that it manages: that is more than half; give --yes if it is meant`,
  );
}
