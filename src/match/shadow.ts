import type { HostIndex } from "./host-index.ts";

/** A route that can never win at one of its places. */
export interface Shadow {
  readonly id: string;
  /** The route that wins instead. */
  readonly by: string;
  /** undefined for routes without a host. */
  readonly host: string | undefined;
  readonly uri: string;
}

/** Finds shadowed routes. */
export function findShadows<T>(_index: HostIndex<T>): readonly Shadow[] {
  return [];
}
