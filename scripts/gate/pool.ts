/** Work for the pool. */
export interface Job {
  /** Nothing else runs meanwhile. */
  readonly alone: boolean;
  /** It spends most of its time waiting: two of them have the room of another one. */
  readonly waits: boolean;
  run(): Promise<void>;
}

/** Runs the jobs, up to `limit` at a time, and afterwards those that want to be alone, one at a time. */
export async function runPool(jobs: readonly Job[], limit: number): Promise<void> {
  const together = jobs.filter(({ alone }) => !alone);
  let room = limit * 2;
  await new Promise<void>((resolve, reject) => {
    let running = 0;
    const fill = (): void => {
      for (let job = take(together, room); job !== undefined; job = take(together, room)) {
        const size = sizeOf(job);
        room -= size;
        running++;
        job.run().then(() => {
          room += size;
          running--;
          fill();
        }, reject);
      }
      if (running === 0) resolve();
    };
    fill();
  });
  for (const job of jobs.filter(({ alone }) => alone)) await job.run();
}

/** The next job for which there is room; one that waits may go before others that have to. */
function take(jobs: Job[], room: number): Job | undefined {
  const at = jobs.findIndex((job) => sizeOf(job) <= room);
  return at < 0 ? undefined : jobs.splice(at, 1)[0];
}

function sizeOf({ waits }: Job): number {
  return waits ? 1 : 2;
}
