/** Work for the pool. */
export interface Job {
  /** Nothing else runs meanwhile. */
  readonly alone: boolean;
  run(): Promise<void>;
}

/** Runs the jobs in their order, up to `limit` at a time, and afterwards those that want to be alone, one at a time. */
export async function runPool(jobs: readonly Job[], limit: number): Promise<void> {
  const together = jobs.filter(({ alone }) => !alone);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let job = together[next++]; job !== undefined; job = together[next++]) await job.run();
  };
  await Promise.all(Array.from({ length: Math.min(limit, together.length) }, worker));
  for (const job of jobs.filter(({ alone }) => alone)) await job.run();
}
