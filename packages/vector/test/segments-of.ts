import { receiveMessageOnPort } from "node:worker_threads";
import type { VectorIndex } from "@millrace/vector";
import type { SegmentList } from "../src/owner/sharing.ts";
import type { Problem } from "../src/segment/problem.ts";
import { Segment } from "../src/segment/segment.ts";
import { validateSegment } from "../src/segment/validate.ts";

/** The segments of an index over the same memory, as a reader gets them. */
export function segmentsOf(index: VectorIndex): Segment[] {
  const { port } = index.share();
  try {
    const received = receiveMessageOnPort(port);
    return ((received?.message as SegmentList | undefined)?.segments ?? []).map(({ memory }) => new Segment(memory));
  } finally {
    port.close();
  }
}

/** What is wrong with any segment of an index. */
export function problemsOf(index: VectorIndex, isRepaired: boolean): readonly Problem[] {
  return segmentsOf(index).flatMap((segment) => validateSegment(segment, { isRepaired, codes: 64 }));
}
