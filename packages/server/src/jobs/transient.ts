import { type Code, MillraceError } from "@millrace/core";

/** What says nothing of the source: the engine could not take it at this moment. */
const TRANSIENT: ReadonlySet<Code> = new Set(["storage_full", "storage_failed", "overloaded", "unavailable"]);

/** Whether the same call may succeed later without anybody changing its input. */
export function isTransient(error: unknown): boolean {
  const { code, retryable } = MillraceError.from(error);
  return retryable && TRANSIENT.has(code);
}
