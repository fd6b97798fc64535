import { isReference } from "../../config/pem.ts";
import type { Issue } from "../../config/issue.ts";
import type { Kind } from "../../config/kinds.ts";
import { parseResource } from "../../config/parse.ts";
import { type Resource, schemaOf } from "../../config/resource.ts";
import { unknownFields } from "../../config/schema-tools.ts";
import { findSecrets } from "../../config/secret-places.ts";
import { type Reference, referencesOf } from "../../store/references.ts";
import type { Checker } from "./catalogue.ts";
import { encodeValue, isFields } from "./value.ts";

/** What can be said of one value by itself, without the secrets that only the gateway can resolve. */
export interface Judgement {
  /** Undefined where it cannot be read, or not without its secrets. */
  readonly resource: Resource | undefined;
  /** What a gateway would refuse. */
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

/** What no text is, whatever a reference stands for. */
const NO_TEXT =
  /^(?:must be (?:a number(?!,)|an integer|true or false|0 or 1|an array|an object|a list)|must not be there|is not a known field)/;

/**
 * Checks a value as the Admin API does, except for texts that are references: their variables and managers are the gateway's, so that what they stand for
 * cannot be known here.
 *
 * @param maxBytes Largest value. Default: 262144 (256 KiB).
 */
export function judge(kind: Kind, id: string, value: unknown, checker: Checker, maxBytes?: number): Judgement {
  const parsed = parseResource(kind, id, encodeValue(value), {
    ...checker.parse,
    ...(maxBytes === undefined ? {} : { maxBytes }),
  });
  const references = referencePaths(kind, value, checker);
  const known = (found: readonly Issue[]) => found.filter((issue) => !isUnknowable(issue, references));
  if (parsed.ok) return { resource: parsed.resource, errors: [], warnings: known(parsed.warnings) };
  const errors = known(parsed.issues);
  // A schema that fails says nothing of the fields that it does not know.
  const stray = checker.parse.mode === "strict" ? strayFields(kind, id, value) : [];
  for (const path of stray) {
    if (!errors.some((issue) => issue.path === path)) errors.push({ path, message: "is not a known field" });
  }
  return { resource: undefined, errors, warnings: [] };
}

/** What a resource refers to; where it cannot be read, what its value plainly says. */
export function mentions(
  kind: Kind,
  id: string,
  value: unknown,
  resource: Resource | undefined,
  checker: Checker,
): readonly Reference[] {
  if (resource !== undefined) return [...referencesOf(kind, resource), ...checker.references(kind, resource)];
  if (!isFields(value)) return [];
  const [username] = id.split("/");
  // Whatever stands in its fields, only texts are ids.
  return referencesOf(kind, { ...value, id, username } as unknown as Resource).filter((found) =>
    typeof found.id === "string" && !isReference(found.id)
  );
}

function referencePaths(kind: Kind, value: unknown, { catalogue }: Checker): ReadonlySet<string> {
  const places = findSecrets(kind, value, true, catalogue).filter(({ text }) => isReference(text));
  return new Set(places.map(({ path }) => path));
}

/** Whether an issue is of the reference itself, and need not be one of what it stands for. */
function isUnknowable({ path, message }: Issue, references: ReadonlySet<string>): boolean {
  const item = /^has an item (\[\d+\])/.exec(message)?.[1] ?? "";
  return references.has(path + item) && !NO_TEXT.test(message);
}

/** Fields at the top of a value that its schema does not know; deeper ones cannot be told in a value that is wrong. */
function strayFields(kind: Kind, id: string, value: unknown): string[] {
  const schema = schemaOf(kind, id);
  const walk = schema === undefined ? undefined : unknownFields(schema);
  const found: string[] = [];
  if (walk === undefined || !isFields(value)) return found;
  for (const [name, field] of Object.entries(value)) {
    try {
      walk({ [name]: typeof field === "object" ? {} : field }, "", found);
    } catch {
      // A known field of another shape than the walk expects.
    }
  }
  return found.filter((path) => Object.hasOwn(value, path));
}
