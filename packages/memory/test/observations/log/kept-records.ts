/** The records of a process that will be killed: known by their numbers, so that both sides can tell what must be there. */
import type { ObservationsRecord } from "../../../src/observations/log/log-record.ts";
import { observations } from "./fixture.ts";

export const RECORD_ROWS = 10;

export function recordNumber(number: number): ObservationsRecord {
  return observations({ firstRow: number * RECORD_ROWS, count: RECORD_ROWS, dims: 60 });
}

/** Whether the record is never removed. */
export function isKept(number: number): boolean {
  return number % 4 === 0;
}
