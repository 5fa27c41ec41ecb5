import { MillraceError } from "@millrace/core";
import { type ObservationBatch, vectorBytes } from "@millrace/protocol";
import { checkBatch, parseMeta } from "./check-batch.ts";
import type { IngestSession } from "./session.ts";

/** The part of a batch that its session did not take before; undefined when it took all. Throws what is wrong with it. */
export function renumber(session: IngestSession, batch: ObservationBatch): ObservationBatch | undefined {
  checkBatch(batch, session.dims);
  if (batch.lane !== session.lane) {
    const message = `the batch is of lane ${batch.lane} and session ${session.id} of lane ${session.lane}; open another session for it`;
    throw new MillraceError("invalid_argument", message);
  }
  const { nextSeq } = session;
  const firstSeq = batch.firstSeq === 0 ? nextSeq : batch.firstSeq;
  if (firstSeq > nextSeq) {
    const message = `the batch begins at ${firstSeq}; session ${session.id} goes on at ${nextSeq}: send what is between first`;
    throw new MillraceError("sequence_gap", message);
  }
  const known = nextSeq - firstSeq;
  if (known >= batch.count) return undefined;
  return known === 0 ? { ...batch, firstSeq } : withoutFirst(batch, known);
}

function withoutFirst(batch: ObservationBatch, known: number): ObservationBatch {
  const size = vectorBytes(batch.encoding, batch.dims);
  const metas = batch.meta.byteLength === 0 ? undefined : parseMeta(batch.meta).slice(known);
  return {
    ...batch,
    firstSeq: batch.firstSeq + known,
    count: batch.count - known,
    vectors: batch.vectors.subarray(known * size),
    meta: metas ? new TextEncoder().encode(JSON.stringify(metas)) : batch.meta,
  };
}
