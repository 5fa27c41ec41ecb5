/** Work in parts of at most about a millisecond, so that whoever pays for it is never held for long. */
export type Measurement<Result> = Generator<undefined, Result>;

/** Does all parts at once. */
export function drain<Result>(measurement: Measurement<Result>): Result {
  for (;;) {
    const part = measurement.next();
    if (part.done) return part.value;
  }
}
