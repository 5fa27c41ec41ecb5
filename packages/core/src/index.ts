/** Errors, limits, clock, random numbers, ring buffer, histogram, keyed executor, deadline: no I/O, no dependencies. */
export { AssertionError, assert, unreachable } from "./assert.ts";
export { type Clock, ManualClock, systemClock } from "./clock.ts";
export { Deadline } from "./deadline.ts";
export {
  CODES,
  type Code,
  type ErrorBody,
  fromErrorBody,
  isCode,
  MillraceError,
  type MillraceErrorOptions,
  toErrorBody,
} from "./error.ts";
export { Histogram } from "./histogram.ts";
export { createIdFactory } from "./id.ts";
export { KeyedExecutor, type KeyedExecutorOptions } from "./keyed-executor.ts";
export { checkInteger, checkText } from "./limits.ts";
export { createRng, type Rng, randomBelow } from "./rng.ts";
