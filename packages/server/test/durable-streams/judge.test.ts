import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { judge, type WriteIntent, type WriteState } from "../../src/durable-streams/judge.ts";

const open: WriteState = {
  isClosed: false,
  closedBy: undefined,
  lastSeq: undefined,
  mediaType: "text/plain",
  known: { id: "p", epoch: 2, seq: 5 },
};
const plain: WriteIntent = { producer: undefined, seq: undefined, mediaType: "text/plain" };
const by = (epoch: number, seq: number): WriteIntent => ({ ...plain, producer: { id: "p", epoch, seq } });
const kind = (state: WriteState, intent: WriteIntent) => judge(state, intent).kind;

test("a producer's next is taken, what it sent is a duplicate, a hole and an older epoch are refused", () => {
  assert.deepEqual(judge(open, by(2, 6)), { kind: "accepted" });
  assert.deepEqual(judge(open, by(2, 3)), { kind: "duplicate", seq: 5 });
  assert.deepEqual(judge(open, by(2, 8)), { kind: "producer_gap", expected: 6, received: 8 });
  assert.deepEqual(judge(open, by(1, 6)), { kind: "stale_epoch", epoch: 2 });
  assert.deepEqual(judge(open, by(3, 0)), { kind: "accepted" });
  assert.deepEqual(judge(open, by(3, 1)), { kind: "epoch_start", seq: 1 });
  assert.deepEqual(judge({ ...open, known: undefined }, by(9, 1)), { kind: "producer_gap", expected: 0, received: 1 });
});

test("I3: what was accepted is a duplicate ever after in its epoch, whatever else has happened to the stream", () => {
  const state = fc.record({ isClosed: fc.boolean(), lastSeq: fc.option(fc.string(), { nil: undefined }) });
  fc.assert(
    fc.property(state, fc.nat(5), fc.option(fc.string(), { nil: undefined }), (changes, seq, streamSeq) => {
      const verdict = judge({ ...open, ...changes }, { ...by(2, seq), seq: streamSeq });
      assert.deepEqual(verdict, { kind: "duplicate", seq: 5 });
    }),
  );
});

test("a closed stream takes nothing; closing it again is no error, but for a producer that was not the one", () => {
  const closed: WriteState = { ...open, isClosed: true };
  assert.equal(kind(closed, plain), "closed");
  assert.equal(kind(closed, { ...plain, mediaType: undefined }), "already_closed");
  assert.equal(kind(closed, by(2, 6)), "closed");
  assert.equal(kind(closed, by(1, 0)), "stale_epoch");
  assert.equal(kind({ ...closed, known: undefined }, { ...by(0, 0), mediaType: undefined }), "closed");
});

test("Stream-Seq must grow, byte for byte", () => {
  const after = (lastSeq: string, seq: string) => kind({ ...open, lastSeq }, { ...plain, seq });
  assert.equal(after("2", "10"), "seq_regressed");
  assert.equal(after("09", "10"), "accepted");
  assert.equal(after("a", "a"), "seq_regressed");
  assert.equal(after("a", "B"), "seq_regressed");
});

test("another content type is refused, unless the request only closes", () => {
  assert.equal(kind(open, { ...plain, mediaType: "text/html" }), "other_type");
  assert.equal(kind(open, { ...plain, mediaType: undefined }), "accepted");
});
