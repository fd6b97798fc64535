import { parseKey, toKey } from "../../config/key.ts";
import type { Flags } from "../flags.ts";
import { type Checker, createChecker } from "./catalogue.ts";
import { checkWanted, issueLine } from "./check.ts";
import { brokenBy } from "./one.ts";
import { readDocuments, type Wanted } from "./document.ts";
import { readFileArgument, readOwner, readRouter } from "./flags.ts";
import { parsePath } from "./path.ts";
import { createPlan, type Plan, type PlanOptions, type Step } from "./plan.ts";
import type { Sealing } from "./sealing.ts";
import { decodeValue, encodeValue } from "./value.ts";
import type { StoredEntry, StoredList } from "../../store/writable.ts";
import type { Target } from "./target.ts";
import { Failure } from "./with-target.ts";

/** What a file asks for, and how to compare it with a store. */
export interface Request {
  readonly wanted: readonly Wanted[];
  readonly checker: Checker;
  readonly options: PlanOptions;
  readonly file: string;
}

/** How many errors of a file are printed before the rest is counted. */
const MAX_TOLD = 20;

/** Reads what `diff` and `apply` are called with. @throws UsageError @throws Failure where the file itself cannot be used. */
export async function readRequest(flags: Flags, command: string, prune: boolean): Promise<Request> {
  const file = readFileArgument(flags, command);
  const options = { owner: readOwner(flags), prune, takeOver: flags.switches.has("take-over") };
  const checker = createChecker(readRouter(flags));
  const { wanted, issues } = await readDocuments([file], { positions: file === "-" });
  if (issues.length > 0) refuse(issues.map(issueLine));
  return { wanted, checker, options, file };
}

/**
 * Compares with what is stored now.
 *
 * @throws WriteError
 * @throws Failure where what is wanted is wrong, as `gatewatch validate` tells it; what the file refers to may be in the store.
 */
export async function planOver(target: Target, request: Request): Promise<Plan> {
  const { wanted, checker, options } = request;
  const stored = await target.list("");
  const { catalogue } = checker;
  const { sealing } = target;
  const opened = new Map<StoredEntry, unknown>();
  for (const entry of stored.entries) {
    const parsed = parseKey(entry.key, entry.value);
    const value = decodeValue(entry.value)?.value;
    const known = parsed !== "ignored" && parsed.kind !== "unknown";
    opened.set(entry, known ? await sealing.open(parsed.kind, value, catalogue) : value);
  }
  const plain: Wanted[] = [];
  for (const each of wanted) plain.push({ ...each, value: await sealing.open(each.kind, each.value, catalogue) });
  const plan = createPlan(plain, stored, options, (entry) => opened.get(entry));
  if (plan.problems.length > 0) refuse(plan.problems);
  const gone = new Set(plan.steps.filter(({ action }) => action === "delete").map(({ kind, id }) => `${kind} ${id}`));
  if (gone.size > 0) {
    const names = new Set(wanted.map(({ key }) => key));
    const others = stored.entries.filter(({ key }) => !names.has(key));
    const users = brokenBy(others, gone, checker);
    if (users.length > 0) refuse(users);
  }
  const held = new Set(stored.entries.map(({ key }) => key));
  const issues = checkWanted(wanted, checker, {
    exists: (kind, id) => held.has(toKey(kind, id)) && !gone.has(`${kind} ${id}`),
  }).filter(({ level }) => level === "error");
  if (issues.length === 0) return { ...plan, steps: await sealSteps(plan.steps, stored, request, sealing) };
  // Positions are read only now, as that takes time.
  const { wanted: placed } = request.file === "-" ? request : await readDocuments([request.file], { positions: true });
  const at = new Map(placed.map((each) => [each.key, each]));
  refuse(issues.map((issue) => {
    const position = at.get(issue.key ?? "")?.locate(parsePath(issue.path));
    return issueLine({ ...issue, position });
  }));
}

/** Puts secrets into what is to be stored as they are kept there. */
async function sealSteps(
  steps: readonly Step[],
  { entries }: StoredList,
  { wanted, checker }: Request,
  sealing: Sealing,
): Promise<Step[]> {
  const held = new Map(entries.map(({ key, value }) => [key, value]));
  const asked = new Map(wanted.map(({ key, value }) => [key, value]));
  return await Promise.all(steps.map(async (step) => {
    if (step.value === undefined) return step;
    const value = decodeValue(step.value)?.value;
    const stored = held.get(step.key);
    const written = [stored === undefined ? undefined : decodeValue(stored)?.value, asked.get(step.key)];
    const sealed = await sealing.close(step.kind, value, written, checker.catalogue);
    return sealed === value ? step : { ...step, value: encodeValue(sealed) };
  }));
}

function refuse(lines: readonly string[]): never {
  const more = lines.length > MAX_TOLD ? [`and ${lines.length - MAX_TOLD} more`] : [];
  throw new Failure([...lines.slice(0, MAX_TOLD), ...more, "Nothing was written"].join("\n"));
}
