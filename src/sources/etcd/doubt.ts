/**
 * Why a session ended: what is held may no longer be what etcd holds, so that a fresh list is needed. Some of them are `planned`: nothing
 * is wrong, and the next session begins at once.
 */
export class Doubt extends Error {
  override readonly name: string = "Doubt";
  /** Stable, for counters and the status: `stream`, `silent`, `compacted`, `audit`. */
  readonly reason: string;
  readonly planned: boolean;

  constructor(reason: string, message: string, options: ErrorOptions & { readonly planned?: boolean } = {}) {
    super(message, options);
    this.reason = reason;
    this.planned = options.planned ?? false;
  }
}
