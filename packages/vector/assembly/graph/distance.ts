/** Distances between codes. Each returns exact integers, so that every build gives the same bits. */
import { dotBytes, dotPrepared, prepareBytes } from "../distances/bytes";
import { bytesOf, stride, wideAt } from "./layout";

export { hamming, hammingPlanes, hammingSigns } from "../distances/bits";
export { dotBytes };

/** What preparing this thread's query left out of its inner products. */
let lowered: i32 = 0;

/** Makes the bytes at `bytes` the query of dotQuery. */
export function setQueryBytes(bytes: usize): void {
  lowered = prepareBytes(bytes, wideAt, stride);
}

/** Inner product of a row's bytes and the query's. */
@inline
export function dotQuery(row: u32): i32 {
  return dotPrepared(bytesOf(row), wideAt, stride, lowered);
}
