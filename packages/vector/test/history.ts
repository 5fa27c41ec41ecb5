import assert from "node:assert/strict";
import { createRng } from "@millrace/core";
import type { VectorIndex } from "@millrace/vector";

/** A reader that finds a row's score further off than this from that of every version it may have seen, saw a torn row. */
export const SCORE_SLACK = 0.05;

/**
 * What happens to each id, decided beforehand, so that threads agree on it without talking: its first operation is an addition, a
 * later one a removal now and then, after which it is added again.
 */
export function isPresent(id: number, operations: number): boolean {
  return operations > 0 && !isRemoval(id, operations);
}

/** Whether the `nth` operation on an id is its removal; never the first, never two in a row. */
export function isRemoval(id: number, nth: number): boolean {
  return nth > 1 && (Math.imul(id + 1, 0x9e37_79b1) + nth) % 4 === 0;
}

/** The vector that the `nth` operation on an id adds. */
export function vectorOf(id: number, nth: number, dims: number): Float32Array {
  const rng = createRng(Math.imul(id + 1, 0x85eb_ca6b) ^ Math.imul(nth, 0xc2b2_ae35));
  return Float32Array.from({ length: dims }, () => rng() * 2 - 1);
}

/** Counts of operations by id, shared by threads: `begun` before an operation is called, `done` after it returned. */
export type History = { readonly begun: Int32Array; readonly done: Int32Array };

export function createHistory(ids: number): History {
  const make = () => new Int32Array(new SharedArrayBuffer(ids * 4));
  return { begun: make(), done: make() };
}

/** Does the next operation on an id, and tells of it before and after. */
export function operate(index: VectorIndex, { begun, done }: History, id: number): void {
  const nth = Atomics.add(begun, id, 1) + 1;
  if (isRemoval(id, nth)) assert.equal(index.remove(id), true);
  else index.add(id, vectorOf(id, nth, index.dims));
  Atomics.add(done, id, 1);
}
