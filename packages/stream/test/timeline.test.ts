import assert from "node:assert/strict";
import { test } from "node:test";
import type { Entity, Frame, StreamEvent, StreamId } from "@millrace/protocol";
import { reduceFrame } from "@millrace/stream";
import fc from "fast-check";
import { openLog } from "./fixture.ts";

const STREAM = "job:1" as StreamId;

const TYPES = [
  "job.started",
  "job.progress",
  "job.done",
  "job.interrupted",
  "document.started",
  "document.stored",
  "document.failed",
  "log",
];
const anEvent: fc.Arbitrary<StreamEvent> = fc.record({
  type: fc.constantFrom(...TYPES),
  id: fc.constantFrom("a", "b", "c"),
  data: fc.dictionary(fc.constantFrom("total", "stored", "source"), fc.nat(9)),
});

test("I9: the timeline kept up to date equals the one rebuilt from the log, and I8: it names the seq it covers", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(anEvent, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 10 }),
      async (batches) => {
        await using log = await openLog();
        await Promise.all(batches.map((batch) => log.sequencer.append(STREAM, batch)));
        const { frames, head } = await log.reader.frames(STREAM, undefined, 1000);
        const rebuilt = new Map<string, Entity>();
        for (const { json } of frames) {
          const entity = reduceFrame(JSON.parse(json) as Frame, (kind, id) => rebuilt.get(`${kind}/${id}`));
          if (entity) rebuilt.set(`${entity.kind}/${entity.id}`, entity);
        }
        const page = await log.reader.timeline(STREAM, 0, 100);
        assert.equal(page.asOfSeq, head);
        assert.deepEqual(
          page.entities.map((entity) => ({ ...entity, props: { ...entity.props } })),
          [...rebuilt.values()]
            .sort((a, b) => a.firstSeq - b.firstSeq)
            .map((entity) => JSON.parse(JSON.stringify(entity))),
        );
      },
    ),
    { numRuns: 20 },
  );
});

test("I7: a job that has ended stays ended", async () => {
  await using log = await openLog();
  const types = ["job.started", "job.done", "job.interrupted", "job.progress"];
  await log.sequencer.append(
    STREAM,
    types.map((type) => ({ type, id: "j", data: { type } })),
  );
  const { entities } = await log.reader.timeline(STREAM, 0, 10);
  assert.equal(entities[0]?.state, "done");
  assert.equal(entities[0]?.version, 2);
});

test("pages of the timeline join without overlap", async () => {
  await using log = await openLog();
  const all = Array.from({ length: 25 }, (_, n) => ({ type: "document.started", id: `d${n}`, data: {} }));
  await log.sequencer.append(STREAM, all);
  const ids: string[] = [];
  for (let after: number | undefined = 0; after !== undefined; ) {
    const page = await log.reader.timeline(STREAM, after, 10);
    ids.push(...page.entities.map(({ id }) => id));
    after = page.next;
  }
  assert.deepEqual(
    ids,
    all.map(({ id }) => id),
  );
});

test("frames that clients append make no timeline", async () => {
  await using log = await openLog();
  const stream = "chat:1" as StreamId;
  await log.sequencer.append(stream, [{ type: "document.progress", id: "d", data: { done: 1 } }]);
  assert.deepEqual((await log.reader.timeline(stream, 0, 10)).entities, []);
});

test("the properties of an entity stay bounded, whatever its frames hold", () => {
  let entity: Entity | undefined;
  for (let seq = 1; seq <= 20; seq++) {
    const data = { [`key${seq}`]: "x".repeat(100_000) };
    const base = { stream: STREAM, epoch: "e", seq, ts: 0, type: "document.progress", id: "d", data };
    entity = reduceFrame(base as Frame, () => entity);
    assert.ok(JSON.stringify(entity).length < 300_000);
    assert.ok(Object.hasOwn(entity?.props ?? {}, `key${seq}`));
  }
});
