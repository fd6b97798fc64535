/** Times are milliseconds on a monotonic clock, sizes bytes. The defaults are what `docs/etcd.md` promises. */
export interface EtcdLimits {
  /** That one call may take. Default 5000. */
  readonly callMs: number;
  /** That a watch may take until etcd confirms it. Default 5000. */
  readonly createMs: number;
  /** Silence on a watch after which a sign of life is asked for. Default 3500. */
  readonly probeMs: number;
  /** Silence on a watch after which its connection is given up. Default 8000. */
  readonly silenceMs: number;
  /** Between two full lists that check what the watch told. Default 300000. */
  readonly auditMs: number;
  /** Most keys per page of a list. Default 1000. */
  readonly pageSize: number;
  /** Keys and values of one list, together. Default 256 MiB. */
  readonly listBytes: number;
  /** One answer. Default 64 MiB. */
  readonly messageBytes: number;
  /** Longest pause between two tries. Default 4000. */
  readonly backoffMaxMs: number;
  /**
   * The first try after a loss waits a random time up to this, so that a fleet does not list at once. Default 300; a hundred
   * instances on one etcd do well with 2000.
   */
  readonly spreadMs: number;
}

export const DEFAULT_LIMITS: EtcdLimits = {
  callMs: 5000,
  createMs: 5000,
  probeMs: 3500,
  silenceMs: 8000,
  auditMs: 300_000,
  pageSize: 1000,
  listBytes: 256 << 20,
  messageBytes: 64 << 20,
  backoffMaxMs: 4000,
  spreadMs: 300,
};
