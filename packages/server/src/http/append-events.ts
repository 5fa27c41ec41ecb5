import { MillraceError } from "@millrace/core";
import {
  type AppendRequest,
  type AppendResponse,
  formatCursor,
  isReservedStream,
  type ProducerLog,
  type ProducerPosition,
  type Seq,
  toStreamId,
} from "@millrace/protocol";
import type { Engine } from "../engine.ts";

/** Appends what a client sends. Answers once it is durable, or with `ack: "accepted"` as soon as it has its numbers. */
export async function appendEvents(
  engine: Engine,
  name: string,
  { events, producer, ack }: AppendRequest,
): Promise<AppendResponse> {
  engine.checkReady();
  const stream = toStreamId(name);
  if (isReservedStream(stream)) {
    throw new MillraceError(
      "forbidden",
      `stream ${stream} is the engine's own; append to one that does not begin with job:, space: or _`,
    );
  }
  const alongside = await engine.durableStreams.nativeWrites.alongside(stream);
  const options = { ...(producer ? { producer: toProducer(producer) } : {}), ...(alongside ? { alongside } : {}) };
  const submitted = await engine.sequencer.submit(stream, events, options);
  if (ack !== "accepted") await submitted.durable;
  const { epoch, firstSeq, lastSeq, accepted, duplicates } = submitted;
  const durableSeq = ack === "accepted" ? submitted.durableSeq : Math.max(submitted.durableSeq, lastSeq);
  const cursor = formatCursor({ epoch, seq: lastSeq as Seq });
  return { stream, epoch, firstSeq, lastSeq, cursor, accepted, duplicates, durableSeq };
}

function toProducer({ id, epoch, seq }: NonNullable<AppendRequest["producer"]>): ProducerPosition | ProducerLog {
  return seq === undefined ? { producer: id, epoch } : { producer: id, epoch, seq };
}
