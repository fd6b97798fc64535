/** Work in small steps: who drives it may do something else between two of them, and drop it by driving it no further. */
export type Steps<R> = Generator<void, R, void>;

/** Does all steps that are left, one right after the other. */
export function finish<R>(steps: Steps<R>): R {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
