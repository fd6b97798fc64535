import { type Kind, KINDS } from "../../config/kinds.ts";
import { parseKey, toKey } from "../../config/key.ts";
import type { RouterName } from "../../match/route.ts";
import { parseKind } from "../../admin/kind-name.ts";
import type { Flags } from "../flags.ts";
import { suggest } from "../suggest.ts";
import { UsageError } from "../usage-error.ts";

const ROUTERS: readonly RouterName[] = ["radixtree_host_uri", "radixtree_uri", "radixtree_uri_with_parameter"];

/** `--router`. @throws UsageError */
export function readRouter({ values }: Flags): RouterName {
  const name = values.get("router")?.at(-1) ?? "radixtree_host_uri";
  const router = ROUTERS.find((each) => each === name);
  if (router === undefined) throw new UsageError([`--router: Cannot use "${name}": write ${ROUTERS.join(", ")}`]);
  return router;
}

/** `--owner`: who manages what is applied. @throws UsageError */
export function readOwner({ values }: Flags): string {
  const owner = values.get("owner")?.at(-1) ?? "gatewatch";
  if (/^\S{1,64}$/.test(owner)) return owner;
  throw new UsageError([`--owner: Cannot use "${owner}": write 1 to 64 characters without spaces`]);
}

/** The one file of a command. @throws UsageError */
export function readFileArgument({ positionals }: Flags, command: string): string {
  const [file] = positionals;
  if (file === undefined) {
    throw new UsageError([`Write a file, as in gatewatch ${command} routes.yaml (- is standard input)`]);
  }
  return file;
}

/** A kind of resource. @throws UsageError */
export function readKind(name: string | undefined, command: string): Kind {
  if (name === undefined) throw new UsageError([`Write a kind and an id, as in gatewatch ${command} route 1`]);
  const kind = parseKind(name);
  if (kind !== undefined) return kind;
  const meant = suggest(name, KINDS);
  throw new UsageError([
    `Unknown kind "${name}"${meant === undefined ? "" : `: did you mean ${meant}?`} Kinds are ${KINDS.join(", ")}`,
  ]);
}

/** A resource that a command names. */
export interface Named {
  readonly kind: Kind;
  readonly id: string;
  readonly key: string;
}

/** `KIND ID`. @throws UsageError */
export function readName({ positionals }: Flags, command: string): Named {
  const [kindName, given] = positionals;
  const kind = readKind(kindName, command);
  const id = kind === "node" ? "node" : kind === "plugin_list" ? "plugins" : given;
  if (id === undefined) throw new UsageError([`Write an id, as in gatewatch ${command} ${kind} 1`]);
  const key = toKey(kind, id);
  const parsed = parseKey(key);
  if (parsed !== "ignored" && parsed.kind === kind && parsed.id === id) return { kind, id, key };
  const reason = parsed !== "ignored" && parsed.kind === "unknown" ? parsed.reason : "it names another resource";
  throw new UsageError([`Cannot use "${id}" as the id of a ${kind}: ${reason}`]);
}

/** A flag that is a revision of the store. @throws UsageError */
export function readRevision({ values }: Flags, name: string): number | undefined {
  const text = values.get(name)?.at(-1);
  if (text === undefined) return undefined;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(revision)) return revision;
  throw new UsageError([`--${name}: Cannot use "${text}" as a revision: write a whole number, as in 42`]);
}
