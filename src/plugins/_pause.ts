/** The longest time that runtimes wait for; they take more for none at all. */
const LONGEST = 2 ** 31 - 1;

/** Resolves after `ms` milliseconds, or as soon as the client has gone: nobody waits for the answer then. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, Math.min(ms, LONGEST));
    signal.addEventListener("abort", end);
  });
}
