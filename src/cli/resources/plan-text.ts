import { toPath } from "../../config/issue.ts";
import type { Paint } from "../../match/text-table.ts";
import type { Catalogue } from "../../pipeline/catalogue.ts";
import type { FieldChange } from "./compare.ts";
import type { Plan, Step } from "./plan.ts";
import { secretPaths } from "./secrets.ts";
import { isFields } from "./value.ts";

/** What stands for a secret in a difference. */
const SECRET = "(secret)";

/** A step as JSON for scripts. */
export interface StepJson {
  readonly action: Step["action"];
  readonly key: string;
  readonly kind: string;
  readonly id: string;
  readonly fields?: readonly { readonly path: string; readonly before?: unknown; readonly after?: unknown }[];
}

/** Secrets are told as such: `before` and `after` of a secret that changes are both `(secret)`. */
function shownFields({ kind, before, after, fields }: Step, catalogue: Catalogue): FieldChange[] {
  const hidden = new Set([...secretPaths(kind, before, catalogue), ...secretPaths(kind, after, catalogue)]);
  const hide = (value: unknown, path: string): unknown => {
    if (hidden.has(path) && value !== undefined) return SECRET;
    if (Array.isArray(value)) return value.map((item, index) => hide(item, toPath(path, index)));
    if (!isFields(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, hide(child, toPath(path, name))]));
  };
  return fields.map(({ path, before, after }) => ({ path, before: hide(before, path), after: hide(after, path) }));
}

/** The steps of a plan as JSON. */
export function planJson({ steps, unchanged }: Plan, catalogue: Catalogue): object {
  return { ...countSteps(steps), unchanged, steps: steps.map((step) => stepJson(step, catalogue)) };
}

function stepJson(step: Step, catalogue: Catalogue): StepJson {
  const { action, key, kind, id } = step;
  return { action, key, kind, id, ...(action === "delete" ? {} : { fields: shownFields(step, catalogue) }) };
}

/** How many of each action. */
export function countSteps(steps: readonly Step[]): { create: number; change: number; delete: number } {
  const counts = { create: 0, change: 0, delete: 0 };
  for (const { action } of steps) counts[action]++;
  return counts;
}

const MARKS = { create: "+", change: "~", delete: "-" } as const;
const STYLES = { create: "green", change: "yellow", delete: "red" } as const;

/** A line for each step, and for a changed resource one for each field. */
export function* planLines({ steps }: Plan, catalogue: Catalogue, paint: Paint): Generator<string> {
  for (const step of steps) {
    yield paint(STYLES[step.action], `${MARKS[step.action]} ${step.key}`);
    if (step.action !== "change") continue;
    for (const { path, before, after } of shownFields(step, catalogue)) {
      if (before === undefined) yield paint("green", `    + ${path}: ${shown(after)}`);
      else if (after === undefined) yield paint("red", `    - ${path}: ${shown(before)}`);
      else yield `    ${paint("yellow", "~")} ${path}: ${shown(before)} -> ${shown(after)}`;
    }
  }
}

/** Longest value in a line. */
const MAX_SHOWN = 120;

function shown(value: unknown): string {
  if (value === SECRET) return SECRET;
  const text = JSON.stringify(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** `1 to create, 2 to change, 0 to delete`, or how many it was. */
export function summary(steps: readonly Step[], tense: "to do" | "done"): string {
  const { create, change, delete: gone } = countSteps(steps);
  return tense === "to do"
    ? `${create} to create, ${change} to change, ${gone} to delete`
    : `${create} created, ${change} changed, ${gone} deleted`;
}
