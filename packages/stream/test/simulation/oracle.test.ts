/** The simulation's own oracle: what it must allow a reader, and what it must not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Gap } from "@millrace/protocol";
import { LogOracle, Walk } from "./oracle.ts";

const EPOCH = "anepoch";

/** Appends frames of these keys after `after`, acknowledged as durable or not. */
function append(oracle: LogOracle, { after, keys, isDurable }: { after: number; keys: string; isDurable: boolean }) {
  const sent = [...keys].map((key) => ({ key }));
  const accepted = sent.length;
  const record = oracle.appended(sent, { firstSeq: after + 1, lastSeq: after + accepted, accepted });
  if (isDurable) record.state = "durable";
}

const begin = (after = 0) => ({ kind: "begin", after, cursorEpoch: undefined, version: 0 }) as const;
const frame = (seq: number, key: string) => ({ kind: "frame", seq, key, json: `{"key":"${key}"}` }) as const;
const gap = (after: number, first: number, reason: Gap["reason"]) =>
  ({ kind: "gap", gap: { reason, after, first, epoch: EPOCH, head: 0 } as Gap }) as const;

/** Frames a to d are durable; e and f were seen, then lost with the process; g came after, and only then it was heard that a to c are gone. */
function trimmedThenCut(): LogOracle {
  const oracle = new LogOracle();
  append(oracle, { after: 0, keys: "abcd", isDurable: true });
  append(oracle, { after: 4, keys: "ef", isDurable: false });
  append(oracle, { after: 4, keys: "g", isDurable: true });
  oracle.trimmed(4);
  return oracle;
}

test("a reader that hears of a trim before its caller does goes on in the log as it was then", () => {
  const oracle = trimmedThenCut();
  const walks = [
    [begin(), frame(1, "a"), gap(1, 4, "retention"), frame(4, "d")],
    [begin(3), frame(4, "d")],
  ].map((items) => {
    const walk = new Walk(oracle);
    for (const item of items) walk.take(item);
    return walk;
  });
  for (const walk of walks) {
    for (const item of [frame(5, "e"), frame(6, "f"), gap(6, 5, "epoch"), frame(5, "g")]) walk.take(item);
    walk.checkComplete();
  }
});

test("what was lost with the process does not follow what came after, whatever was trimmed", () => {
  const walk = new Walk(trimmedThenCut());
  for (const item of [begin(), frame(1, "a"), gap(1, 4, "retention"), frame(4, "d"), frame(5, "g")]) walk.take(item);
  assert.throws(() => walk.take(frame(6, "f")), /does not follow/);
  const unwarned = new Walk(trimmedThenCut());
  for (const item of [begin(3), frame(4, "d"), frame(5, "e")]) unwarned.take(item);
  assert.throws(() => unwarned.take(frame(6, "g")), /does not follow/);
});

test("a gap for a trim that never was is refused", () => {
  const walk = new Walk(trimmedThenCut());
  walk.take(begin());
  walk.take(frame(1, "a"));
  assert.throws(() => walk.take(gap(1, 5, "retention")), /not one the log has/);
});

test("a later log's trim excuses nothing in frames that it does not hold", () => {
  const oracle = new LogOracle();
  append(oracle, { after: 0, keys: "abcd", isDurable: true });
  oracle.removed();
  append(oracle, { after: 0, keys: "vwxyz", isDurable: true });
  oracle.trimmed(4);
  const walk = new Walk(oracle);
  for (const item of [begin(), frame(1, "a"), gap(1, 4, "retention")]) walk.take(item);
  assert.throws(() => walk.take(frame(4, "d")), /does not follow/);
});
