import type { Steps } from "../match/steps.ts";

/** Milliseconds that work in steps keeps the event loop to itself; requests come between them then. */
const SLICE_MS = 1;

/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 8;

/** The clock and the event loop, which tests replace. */
export interface Turns {
  /** Milliseconds, never going back. */
  now(): number;
  /** Resolves once everything else that was due has had its turn. */
  next(): Promise<void>;
}

/** The real one, also where tests fake time: how long work takes is real. */
const { setTimeout: later } = globalThis;

const REAL: Turns = {
  now: () => performance.now(),
  next: () => new Promise((resolve) => void later(resolve, 0)),
};

/** Does work in steps, and lets the event loop do something else after each millisecond of it. The first steps are done before it returns. */
export async function inTurns<R>(steps: Steps<R>, turns: Turns = REAL): Promise<R> {
  let pause = turns.now() + SLICE_MS;
  for (let count = 1;; count++) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (count % STEPS_PER_LOOK !== 0 || turns.now() < pause) continue;
    await turns.next();
    pause = turns.now() + SLICE_MS;
  }
}
