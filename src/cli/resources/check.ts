import type { Kind } from "../../config/kinds.ts";
import { quote } from "../../config/issue.ts";
import type { Resource, ResourceOf } from "../../config/resource.ts";
import { toMatchRoute } from "../../gateway/entry.ts";
import { Matcher } from "../../match/matcher.ts";
import type { Checker } from "./catalogue.ts";
import type { FileIssue, Wanted } from "./document.ts";
import { judge, mentions } from "./judge.ts";
import { parsePath } from "./path.ts";
import { redactedPaths } from "./secrets.ts";

/** What {@link checkWanted} may take for granted. */
export interface CheckOptions {
  /** Whether a resource is there though no file has it: in the store that is written. Default: nothing is. */
  readonly exists?: (kind: Kind, id: string) => boolean;
  /** Largest value, in bytes. Default: 262144 (256 KiB). */
  readonly maxBytes?: number;
}

/**
 * Everything that is wrong or odd with resources as one configuration: each value by itself (see {@link judge}); references to what is not there; routes that another one keeps from ever being taken.
 */
export function checkWanted(wanted: readonly Wanted[], checker: Checker, options: CheckOptions = {}): FileIssue[] {
  const issues: FileIssue[] = [];
  const good = new Map<string, Resource>();
  const tell = (level: FileIssue["level"], of: Wanted, path: string, message: string): void => {
    issues.push({ level, file: of.file, position: of.locate(parsePath(path)), key: of.key, path, message });
  };
  for (const each of wanted) {
    const { kind, id, value } = each;
    const redacted = new Set(redactedPaths(value));
    for (const path of redacted) {
      tell("warning", each, path, "is redacted: apply keeps what is stored, and fails where nothing is");
    }
    const { resource, errors, warnings } = judge(kind, id, value, checker, options.maxBytes);
    for (const [level, found] of [["error", errors], ["warning", warnings]] as const) {
      // What is redacted is no PEM and no key of the wanted length.
      for (const { path, message } of found) if (!redacted.has(path)) tell(level, each, path, message);
    }
    if (resource !== undefined) good.set(each.key, resource);
  }
  const known = new Set(wanted.map(({ kind, id }) => `${kind} ${id}`));
  for (const each of wanted) {
    for (const { kind, id, path } of mentions(each.kind, each.id, each.value, good.get(each.key), checker)) {
      if (known.has(`${kind} ${id}`) || options.exists?.(kind, id) === true) continue;
      tell("error", each, path, `refers to ${kind} ${quote(id, 64)}, which is not there`);
    }
  }
  for (const { id, path, message } of shadows(wanted, good, checker)) {
    const of = wanted.find(({ kind, id: own }) => kind === "route" && own === id);
    if (of !== undefined) tell("warning", of, path, message);
  }
  return sorted(issues);
}

/** Routes that never win at some of their places. */
function shadows(
  wanted: readonly Wanted[],
  good: ReadonlyMap<string, Resource>,
  { router }: Checker,
): { readonly id: string; readonly path: string; readonly message: string }[] {
  const matcher = new Matcher<Wanted>({ router });
  for (const each of wanted) {
    if (each.kind !== "route") continue;
    const route = good.get(each.key) as ResourceOf<"route"> | undefined;
    if (route === undefined) continue;
    const service = route.service_id === undefined
      ? undefined
      : good.get(`services/${route.service_id}`) as ResourceOf<"service"> | undefined;
    matcher.set(toMatchRoute(route, service), each);
  }
  const key = (id: string): string => {
    const { uri, uris, host, hosts, methods, vars, remote_addr, remote_addrs, priority, service_id } = good.get(
      `routes/${id}`,
    ) as ResourceOf<"route">;
    return JSON.stringify([
      uris ?? [uri],
      hosts ?? host,
      service_id,
      methods,
      vars,
      remote_addrs ?? remote_addr,
      priority,
    ]);
  };
  return matcher.shadowed().map(({ id, by, host, uri }) => {
    const place = host === undefined ? uri : `${host} ${uri}`;
    const route = good.get(`routes/${id}`) as ResourceOf<"route">;
    const index = route.uris?.indexOf(uri) ?? -1;
    return {
      id,
      path: index < 0 ? "uri" : `uris[${index}]`,
      message: key(id) === key(by)
        ? `never takes ${place}: route ${quote(by, 64)} matches exactly the same requests and stands before it`
        : `never takes ${place}: route ${quote(by, 64)} is equal there and stands before it`,
    };
  });
}

function sorted(issues: FileIssue[]): FileIssue[] {
  const at = ({ position }: FileIssue): number => (position?.line ?? 0) * 10_000 + (position?.column ?? 0);
  return issues.sort((a, b) => a.file === b.file ? at(a) - at(b) : a.file < b.file ? -1 : 1);
}

/** `file:line:column: level: key path message`, as compilers write it, so that editors find the place. */
export function issueLine({ level, file, position, key, path, message }: FileIssue): string {
  const place = position === undefined ? file : `${file}:${position.line}:${position.column}`;
  const what = [key === undefined ? "" : path === "" ? key : `${key} ${path}`, message].filter((part) => part !== "");
  return `${place}: ${level}: ${what.join(" ")}`;
}
