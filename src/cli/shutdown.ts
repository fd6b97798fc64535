import process from "node:process";

/** Why the gateway ends. */
export type Ending =
  | { readonly why: "signal"; readonly signal: string }
  | { readonly why: "error"; readonly error: unknown };

/** The process's signals and uncaught errors. */
export interface EndingWatch {
  /** Resolves at the first signal or uncaught error. */
  readonly first: Promise<Ending>;
  /** Resolves at the second one. */
  readonly second: Promise<Ending>;
}

/**
 * Takes over SIGTERM, SIGINT and errors that nothing caught, for the rest of the process's life, so that none of them can end it in
 * the middle of a step.
 *
 * @param leader A stream that ends with the process that this one must not outlive.
 */
export function watchEndings(leader?: NodeJS.ReadableStream): EndingWatch {
  const waiting: ((ending: Ending) => void)[] = [];
  const next = () => new Promise<Ending>((resolve) => waiting.push(resolve));
  const watch = { first: next(), second: next() };
  const end = (ending: Ending) => waiting.shift()?.(ending);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => end({ why: "signal", signal }));
  // Some runtimes tell both, some one of them; two endings would cut the requests in flight.
  let left = false;
  const leave = (): void => {
    if (!left) end({ why: "signal", signal: "The supervisor has ended" });
    left = true;
  };
  leader?.once("end", leave).once("close", leave).resume();
  process.on("uncaughtException", (error) => end({ why: "error", error }));
  process.on("unhandledRejection", (error) => end({ why: "error", error }));
  return watch;
}
