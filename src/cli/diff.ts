import { type CommandInput, EXIT } from "./command.ts";
import { planJson, planLines, summary } from "./resources/plan-text.ts";
import { counted, outputPaint } from "./resources/terminal.ts";
import { planOver, readRequest } from "./resources/wanted-plan.ts";
import { withTarget } from "./resources/with-target.ts";

/** `gatewatch diff`: what `apply --prune` would do. 0 where nothing differs, 1 where something does. */
export async function diff(input: CommandInput): Promise<number> {
  const { flags } = input;
  return await withTarget(input, async (target) => {
    const request = await readRequest(flags, "diff", true);
    const plan = await planOver(target, request);
    if (flags.switches.has("json")) console.log(JSON.stringify(planJson(plan, request.checker.catalogue), null, 2));
    else {
      for (const line of planLines(plan, request.checker.catalogue, outputPaint())) console.log(line);
      const prune = plan.steps.some(({ action }) => action === "delete") ? " (with --prune)" : "";
      console.log(`${summary(plan.steps, "to do")}${prune}; ${counted(plan.unchanged, "resource")} unchanged`);
    }
    return plan.steps.length === 0 ? EXIT.done : EXIT.failed;
  });
}
