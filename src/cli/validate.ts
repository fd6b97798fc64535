import { type CommandInput, EXIT } from "./command.ts";
import { createChecker } from "./resources/catalogue.ts";
import { checkWanted, issueLine } from "./resources/check.ts";
import { type FileIssue, readDocuments } from "./resources/document.ts";
import { readRouter } from "./resources/flags.ts";
import { counted, outputPaint } from "./resources/terminal.ts";
import { UsageError } from "./usage-error.ts";

/** `gatewatch validate`: every issue of resources files, taken as one configuration. Nothing is written. */
export async function validate({ flags }: CommandInput): Promise<number> {
  const files = flags.positionals;
  if (files.length === 0) throw new UsageError(["Write at least one file, as in gatewatch validate routes.yaml"]);
  const { wanted, issues } = await checkFiles(files, readRouter(flags));
  const errors = issues.filter(({ level }) => level === "error").length;
  const warnings = issues.length - errors;
  const fails = errors > 0 || (warnings > 0 && flags.switches.has("deny-warnings"));
  if (flags.switches.has("json")) {
    const told = issues.map(({ position, ...rest }) => ({ ...rest, ...position }));
    console.log(JSON.stringify({ ok: !fails, resources: wanted, errors, warnings, issues: told }, null, 2));
  } else {
    const paint = outputPaint();
    for (const issue of issues) console.log(paint(issue.level === "error" ? "red" : "yellow", issueLine(issue)));
    const found = issues.length === 0 ? "no issues" : `${counted(errors, "error")}, ${counted(warnings, "warning")}`;
    console.log(`${counted(wanted, "resource")}: ${found}`);
  }
  return fails ? EXIT.failed : EXIT.done;
}

/** Reads positions only where there is something to say: for a large JSON file that takes most of the time. */
async function checkFiles(
  files: readonly string[],
  router: ReturnType<typeof readRouter>,
): Promise<{ wanted: number; issues: readonly FileIssue[] }> {
  const checker = createChecker(router);
  const check = async (positions: boolean) => {
    const { wanted, issues } = await readDocuments(files, { positions });
    return { wanted: wanted.length, issues: [...issues, ...checkWanted(wanted, checker)] };
  };
  // Standard input can be read only once.
  const first = await check(files.includes("-"));
  if (files.includes("-") || first.issues.every(({ position }) => position !== undefined)) return first;
  return await check(true);
}
