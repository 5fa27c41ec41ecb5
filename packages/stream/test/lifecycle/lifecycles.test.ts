import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { StreamEvent } from "@millrace/protocol";
import { Entity } from "../../src/lifecycle/entity.ts";
import type { LifecycleRow } from "../../src/lifecycle/entity-table.ts";
import { Journal } from "../../src/lifecycle/journal.ts";
import { type LifecycleLimits, Lifecycles } from "../../src/lifecycle/lifecycles.ts";

/** Lifecycles with a log: appends all or nothing, as the sequencer does. */
class Log {
  readonly lifecycles: Lifecycles;
  readonly frames: StreamEvent[] = [];
  readonly rows: LifecycleRow[] = [];

  constructor(limits?: Partial<LifecycleLimits>) {
    this.lifecycles = new Lifecycles(undefined, limits);
  }

  append(...events: StreamEvent[]): readonly StreamEvent[] {
    const ready = this.lifecycles.check(events);
    for (const event of ready) this.lifecycles.apply(event, this.frames.push(event), this.rows);
    return ready;
  }
}

const of = (type: string, id: string, data: unknown = {}): StreamEvent => ({ type, id, data });
const delta = (id: string, append: string, offset?: number) =>
  of("llm.delta", id, offset === undefined ? { append } : { offset, append });
const dataOf = (events: readonly StreamEvent[]) => events.map(({ data }) => data);
const refusedAs = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof MillraceError && error.code === code && words.test(error.message);

test("I7: a delta after the end is refused with how it ended and the way out, and counted; nothing of its append is kept", () => {
  const log = new Log();
  log.append(of("llm.start", "m1"), delta("m1", "Hi"), of("llm.final", "m1"));
  const late = () => log.append(of("log", "x"), delta("m2", "kept?"), delta("m1", " there"));
  assert.throws(
    late,
    refusedAs("terminal", /llm\.delta came for message m1, .* ended as done by frame 3; use a new id/),
  );
  assert.equal(log.frames.length, 3);
  assert.equal(log.lifecycles.openCount, 0);
  assert.equal(log.lifecycles.counters.refused.terminal, 1);
});

test("I7: an end and a delta in one append are refused together", () => {
  const log = new Log();
  const both = () => log.append(of("llm.final", "m"), delta("m", "late"));
  assert.throws(both, refusedAs("terminal", /ended as done by an event before it/));
  assert.deepEqual(log.lifecycles.snapshot(), []);
});

test("an event without a lifecycle passes untouched, and so does the array", () => {
  const { lifecycles } = new Log();
  const events = [of("log", "a"), of("x.own", "a"), of("message", "a", { text: "hi" }), of("document.stored", "a")];
  assert.equal(lifecycles.check(events), events);
  events.forEach((event, at) => {
    lifecycles.apply(event, at + 1, []);
  });
  assert.deepEqual(lifecycles.snapshot(), []);
  const exact = [of("llm.start", "m"), delta("m", "a", 0)];
  assert.equal(lifecycles.check(exact), exact);
});

test("a delta gets the offset it left out, in UTF-16 units, and keeps its other fields", () => {
  const log = new Log();
  const ready = log.append(delta("m", "a👍"), {
    ...of("llm.delta", "m", { append: "b", block: 1 }),
    correlation: { run: "r" },
  });
  assert.deepEqual(ready[1], {
    ...{ type: "llm.delta", id: "m", data: { offset: 3, append: "b", block: 1 } },
    correlation: { run: "r" },
  });
});

test("a wrong offset is refused with the one that is next and the one given", () => {
  const log = new Log();
  log.append(delta("m", "abc", 0));
  assert.throws(() => log.append(delta("m", "x", 2)), refusedAs("conflict", /offset 2, but 3 is next/));
  assert.throws(() => log.append(delta("new", "x", 5)), refusedAs("conflict", /offset 5, but 0 is next/));
  assert.equal(log.lifecycles.counters.refused.conflict, 2);
});

test("a delta that is malformed is refused with what to send", () => {
  const log = new Log();
  const bad = [
    undefined,
    null,
    "text",
    [],
    {},
    { append: 1 },
    { append: "a", offset: -1 },
    { append: "a", offset: 0.5 },
  ];
  for (const data of [
    ...bad,
    { append: "a", offset: "0" },
    { append: "a", text: "b and more" },
    { append: "a", text: 1 },
  ])
    assert.throws(
      () => log.append(of("tool.delta", "t", data)),
      refusedAs("invalid_argument", /tool\.delta for t .*send/),
    );
  assert.equal(log.lifecycles.counters.refused.invalid_argument, bad.length + 3);
  assert.deepEqual(log.lifecycles.snapshot(), []);
});

test("an id of data's size is refused, so that remembering it stays cheap", () => {
  const log = new Log();
  assert.throws(() => log.append(of("llm.start", "i".repeat(257))), refusedAs("invalid_argument", /257 characters/));
});

test("what is odd is kept and counted: unstarted deltas, results without a call, an id of another kind, no id", () => {
  const log = new Log();
  log.append(delta("m", "a"), of("tool.result", "t"), of("tool.start", "m"), {
    type: "llm.delta",
    data: { append: "a" },
  });
  const { anomalies } = log.lifecycles.counters;
  assert.deepEqual(anomalies, { unstarted: 1, resultWithoutCall: 1, otherKind: 1, withoutId: 1 });
  assert.equal(log.frames.length, 4);
});

test("thinking may share the id of its message; an error ends both, and each once", () => {
  const log = new Log();
  log.append(of("llm.thinking.start", "m"), of("llm.thinking.final", "m"), delta("m", "a"));
  log.append(of("error", "m", { message: "cut" }));
  assert.deepEqual(
    log.lifecycles.snapshot().map(({ kind, state }) => [kind, state]),
    [
      ["message", "error"],
      ["thinking", "done"],
    ],
  );
  assert.throws(() => log.append(of("interrupted", "m")), refusedAs("terminal", /message m, .* ended as error/));
  log.append({ type: "error", data: { message: "about nothing" } }, of("error", "unknown id"));
});

test("an entity costs two rows, one when it opens and one when it ends, however many deltas it has", () => {
  const log = new Log();
  log.append(of("llm.start", "m"));
  for (let at = 0; at < 1_000; at++) log.append(delta("m", "word "));
  log.append(of("llm.final", "m"));
  const row = { kind: "message", id: "m", startSeq: 1 };
  assert.deepEqual(log.rows, [
    { ...row, state: "open", chars: null, endSeq: null },
    { ...row, state: "done", chars: 5_000, endSeq: 1_002 },
  ]);
});

test("a text of 200,000 characters gets a keyframe at most every 64 KB, with the whole text, until it is too long for one", () => {
  const log = new Log();
  let text = "";
  const keyframes: number[] = [];
  for (let at = 0; at < 2_000; at++) {
    const append = `word ${at} `.padEnd(100, "é");
    text += append;
    const [frame] = log.append(delta("m", append)) as [StreamEvent<{ text?: string }>];
    if (frame.data.text === undefined) continue;
    assert.equal(frame.data.text, text);
    assert.ok(JSON.stringify(frame).length < 256 * 1024);
    keyframes.push(text.length);
  }
  assert.deepEqual(keyframes, [65_600]);
  assert.equal(log.lifecycles.textChars, 0);
  assert.equal(log.lifecycles.counters.textsGivenUp, 1);
  assert.equal(log.lifecycles.counters.keyframes, 1);
});

test("a keyframe that would not fit into a frame is left out, and the delta is kept", () => {
  const log = new Log();
  for (let at = 0; at < 12; at++) {
    const [frame] = log.append(delta("m", "\u0001".repeat(10_000)));
    assert.ok(JSON.stringify(frame).length < 256 * 1024);
    assert.ok(!Object.hasOwn(frame?.data as object, "text"));
  }
  assert.equal(log.frames.length, 12);
});

test("texts kept for keyframes are bounded over the stream, and given back at the end", () => {
  const log = new Log({ streamTextCharsMax: 100 });
  for (let at = 0; at < 9; at++) log.append(delta(`m${at}`, "0123456789"));
  assert.equal(log.lifecycles.textChars, 90);
  log.append(delta("m0", "x".repeat(11)));
  assert.equal(log.lifecycles.textChars, 80);
  log.append(of("interrupted", "m1"), of("llm.final", "m2"));
  assert.equal(log.lifecycles.textChars, 60);
});

test("opening more than the limit is overloaded with the limit; ending makes room, also within one append", () => {
  const log = new Log({ openMax: 2 });
  log.append(of("llm.start", "a"), of("tool.start", "b"));
  assert.throws(() => log.append(of("llm.start", "c")), refusedAs("overloaded", /has 2 .*, the limit/));
  log.append(of("llm.final", "a"), of("llm.start", "c"));
  assert.equal(log.lifecycles.openCount, 2);
});

test("only the newest ended ids of a kind are remembered, and all that are open", () => {
  const log = new Log({ endedMax: 3 });
  log.append(of("llm.start", "open"), of("tool.done", "t"));
  for (let at = 1; at <= 5; at++) log.append(of("llm.start", `m${at}`), of("llm.final", `m${at}`));
  assert.deepEqual(
    log.lifecycles.snapshot().map(({ id }) => id),
    ["m3", "m4", "m5", "t", "open"],
  );
  assert.throws(() => log.append(delta("m3", "a")), refusedAs("terminal", /m3/));
  log.append(delta("m1", "a"));
});

test("a stream that leaves memory and comes back goes on where its texts stood", () => {
  const log = new Log();
  log.append(delta("m", "abc"), of("llm.final", "old"));
  const back = new Lifecycles();
  back.restore(log.lifecycles.snapshot());
  assert.deepEqual(dataOf(back.check([delta("m", "d")])), [{ offset: 3, append: "d" }]);
  assert.throws(() => back.check([delta("old", "x")]), refusedAs("terminal", /old/));
});

test("after a restart a length is not known: the next delta says it, or closeAll ends the message", () => {
  const log = new Log();
  log.append(of("llm.start", "m"), delta("m", "abc"), of("job.started", "j"));
  const restarted = () => {
    const lifecycles = new Lifecycles();
    lifecycles.restore(log.rows);
    return lifecycles;
  };
  const going = restarted();
  assert.throws(() => going.check([delta("m", "d")]), refusedAs("conflict", /not known after a restart/));
  const ready = going.check([delta("m", "d", 3), delta("m", "e")]);
  assert.deepEqual(dataOf(ready), [
    { offset: 3, append: "d" },
    { offset: 4, append: "e" },
  ]);
  const closing = restarted();
  const ends = closing.closeAll("restart");
  assert.deepEqual(ends, [{ type: "interrupted", id: "m", data: { reason: "restart" } }]);
  for (const event of closing.check(ends)) closing.apply(event, 4, []);
  assert.throws(() => closing.check([delta("m", "d", 3)]), refusedAs("terminal", /interrupted by frame 4/));
});

test("frames whose write failed are undone: the message goes on from what was kept", () => {
  const log = new Log();
  log.append(of("llm.start", "m"), delta("m", "kept"));
  log.lifecycles.settle(2);
  log.append(delta("m", " lost"));
  log.lifecycles.undoAfter(2);
  assert.equal(log.lifecycles.textChars, 4);
  log.frames.length = 2;
  log.append(delta("m", " lost"), of("llm.final", "m"), of("llm.start", "lost"));
  log.lifecycles.undoAfter(2);
  assert.equal(log.lifecycles.openCount, 1);
  assert.deepEqual(dataOf(log.lifecycles.check([delta("m", "!")])), [{ offset: 4, append: "!" }]);
});

test("past the frames that can be undone, lengths count as unknown rather than wrong", () => {
  const log = new Log({ undoMax: 4 });
  for (let at = 0; at < 10; at++) log.append(delta("m", "x"));
  log.lifecycles.undoAfter(1);
  assert.throws(() => log.append(delta("m", "y")), refusedAs("conflict", /not known/));
  log.append(delta("m", "y", 1));
});

test("the journal keeps what is unsettled and no more", () => {
  const journal = new Journal(100_000);
  const entity = new Entity("message", "m");
  for (let seq = 1; seq <= 50_000; seq++) {
    journal.push(seq, entity);
    if (seq > 10) journal.settle(seq - 10);
    assert.ok(journal.count <= 11);
  }
  assert.equal(journal.count, 10);
  journal.settle(50_000);
  assert.equal(journal.popAfter(0), undefined);
});
