import { DIRECTORIES, type Kind, KINDS } from "../config/kinds.ts";

/** The kind that a user means: by its name (`route`) or by its directory in the store (`routes`). */
export function parseKind(name: string): Kind | undefined {
  return KINDS.find((kind) => kind === name) ?? (Object.hasOwn(DIRECTORIES, name) ? DIRECTORIES[name] : undefined);
}
