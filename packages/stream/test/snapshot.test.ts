import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entity, Frame, Seq, StreamEvent, StreamId } from "@millrace/protocol";
import { Follower, reduceFrame, type TimelinePage } from "@millrace/stream";
import { CollectingSink, openLog, upTo } from "./fixture.ts";

const JOB = "job:1" as StreamId;

function progress(n: number): StreamEvent {
  return { type: n % 3 === 0 ? "document.stored" : "document.started", id: `d${n % 7}`, data: { n } };
}

/** Keeps the state as a page that follows live would: the snapshot, then the frames after it. */
class StateSink extends CollectingSink {
  readonly order: string[] = [];
  readonly entities = new Map<string, Entity>();
  readonly asOf: number[] = [];
  readonly #told = Promise.withResolvers<void>();
  /** Resolves with the first snapshot. */
  readonly told = this.#told.promise;

  snapshot(page: TimelinePage): void {
    this.#told.resolve();
    this.order.push("snapshot");
    this.asOf.push(page.asOfSeq);
    this.entities.clear();
    for (const entity of page.entities) this.entities.set(entity.id, entity);
  }

  override frames(batch: Parameters<CollectingSink["frames"]>[0]): void {
    for (const { json } of batch.frames) {
      const changed = reduceFrame(JSON.parse(json) as Frame, (_, id) => this.entities.get(id));
      if (changed) this.entities.set(changed.id, changed);
    }
    super.frames(batch);
  }
}

test("I8: a snapshot and the frames after it are the timeline, wherever the writer is when a reader comes", async () => {
  await using log = await openLog();
  const total = 120;
  const sinks: StateSink[] = [];
  const followers: Follower[] = [];
  const appends: Promise<unknown>[] = [];
  for (let n = 0; n < total; n++) {
    appends.push(log.sequencer.append(JOB, [progress(n)]));
    if (n % 10 !== 0) continue;
    await appends[n - 3];
    const sink = new StateSink();
    sinks.push(sink);
    followers.push(await Follower.start({ ...log, stream: JOB, after: undefined, sink }));
    // Every second reader has its place before the writer goes on; the others get theirs in a race with it.
    if (n % 20 === 10) await sink.told;
  }
  await Promise.all(appends);
  const { entities } = await log.reader.timeline(JOB, 0, 1_000);
  const expected = new Map(entities.map((entity) => [entity.id, entity]));
  for (const sink of sinks) {
    await sink.reached(total - (sink.asOf[0] ?? 0));
    assert.deepEqual(sink.seqs, upTo(total, (sink.asOf[0] ?? 0) + 1));
    assert.deepEqual(sink.entities, expected);
  }
  assert.ok(new Set(sinks.map(({ asOf }) => asOf[0])).size >= 6, "readers came at different places");
  for (const follower of followers) follower[Symbol.dispose]();
});

test("after a gap the state comes before the frames; a reader with a cursor that is honoured gets frames only", async () => {
  await using log = await openLog();
  const { epoch } = await log.sequencer.append(JOB, upTo(9).map(progress));
  const plain = new StateSink();
  using _plain = await Follower.start({ ...log, stream: JOB, after: { epoch, seq: 4 as Seq }, sink: plain });
  await plain.reached(5);
  assert.deepEqual([plain.asOf, plain.seqs], [[], upTo(9, 5)]);
  await log.sequencer.remove([JOB]);
  await log.sequencer.append(JOB, upTo(5).map(progress));
  const sink = new StateSink();
  using _follower = await Follower.start({ ...log, stream: JOB, after: { epoch, seq: 4 as Seq }, sink });
  // The snapshot is read later; a frame appended before that would be in it and not come after it.
  await sink.told;
  await log.sequencer.append(JOB, [progress(6)]);
  await sink.reached(1);
  assert.deepEqual([sink.gaps.length, sink.asOf, sink.seqs], [1, [5], [6]]);
});
