import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import { FRAME_FAMILIES, FRAME_TYPES, isFrameType, type StreamEvent, type StreamId } from "@millrace/protocol";
import fc from "fast-check";
import { TRANSLATED_APPEND_MAX } from "../../src/limits.ts";
import { TopCounts } from "../../src/translate/top-counts.ts";
import { createTranslators, type Translator } from "../../src/translate/translators.ts";

const STREAM = "chat:1" as StreamId;
const OTHER = "chat:2" as StreamId;

/** Counts the events of its stream. */
const counting: Translator = ({ id }, state) => {
  const count = (state.get<{ count: number }>("count")?.count ?? 0) + 1;
  state.set("count", { count });
  return [{ type: "log", ...(id === undefined ? {} : { id }), data: { data: count } }];
};
const failing: Translator = (_event, state) => {
  state.set("count", { count: 1_000 });
  throw new Error("no such field");
};
const numbers = (events: readonly StreamEvent[]) => events.map(({ data }) => (data as { data: unknown }).data);
const codeIs = (code: string) => (error: unknown) => error instanceof MillraceError && error.code === code;

test("frame types, the engine's families and applications' own types pass; the array is the same", () => {
  const types = [...FRAME_TYPES, ...FRAME_FAMILIES.map((family) => `${family}anything`), "x.mine"];
  const events = types.map((type) => ({ type, data: { type } }));
  const translators = createTranslators();
  assert.equal(translators.translate(events, STREAM), events);
  assert.deepEqual(translators.counts, { unknown: 0, failed: 0, unknownTypes: [], failedTypes: [] });
  for (const type of ["", "x.", "job.", "llm.", "LLM.delta", "jobs", "note", "toString", "x"])
    assert.ok(!isFrameType(type), type);
});

test("an unknown type is counted and kept as a log frame with its id, correlation and message id", () => {
  const translators = createTranslators();
  const event = { type: "note", id: "n", data: { a: 1 }, correlation: { run: "r" }, messageId: "m" };
  const known = { type: "log", data: 1 };
  const translated = translators.translate([known, event, known], STREAM);
  const about = { id: "n", correlation: { run: "r" }, messageId: "m" };
  assert.deepEqual(translated, [known, { type: "log", ...about, data: { type: "note", data: { a: 1 } } }, known]);
  assert.deepEqual(translators.counts.unknownTypes, [["note", 1]]);
});

test("several translators of a type answer in order; the message id goes to the first event, the correlation to all", () => {
  const say = (text: string) => () => [{ type: "message", data: { text }, messageId: "own" }];
  const translators = createTranslators()
    .add("said", say("one"))
    .add("said", () => [])
    .add("said", say("two"));
  const [first, second, ...rest] = translators.translate(
    [{ type: "said", data: 0, messageId: "m", correlation: { turn: "t" } }],
    STREAM,
  );
  assert.deepEqual(first, { type: "message", data: { text: "one" }, messageId: "m", correlation: { turn: "t" } });
  assert.deepEqual(second, { type: "message", data: { text: "two" }, correlation: { turn: "t" } });
  assert.equal(rest.length, 0);
});

test("a translator that throws is isolated: told, counted, its event kept as an error log; the others still answer", () => {
  const errors: unknown[] = [];
  const onError = (error: unknown, type: string, stream: StreamId) => {
    errors.push([String(error), type, stream]);
    throw new Error("the listener fails too");
  };
  const translators = createTranslators({ onError }).add("t", counting).add("t", failing).add("t", counting);
  const translated = translators.translate([{ type: "t", id: "e", data: { a: 1 } }], STREAM);
  const failure = { level: "error", type: "t", message: "no such field", data: { a: 1 } };
  assert.deepEqual(translated, [
    { type: "log", id: "e", data: { data: 1 } },
    { type: "log", id: "e", data: failure },
    { type: "log", id: "e", data: { data: 1 } },
  ]);
  assert.deepEqual(errors, [["Error: no such field", "t", STREAM]]);
  assert.equal(translators.counts.failed, 1);
  assert.deepEqual(translators.counts.failedTypes, [["t", 1]]);
  assert.equal(translators.stateCount, 2);
});

test("an answer that is no list of frame types counts as failed", () => {
  const bad: readonly unknown[] = [undefined, "text", {}, [null], [{ data: 1 }], [{ type: "foreign", data: 1 }]];
  for (const answer of [...bad, Array.from({ length: 1_001 }, () => ({ type: "log", data: 1 }))]) {
    const translators = createTranslators().add("t", () => answer as readonly StreamEvent[]);
    const kept = translators.translate([{ type: "t", data: 7 }], STREAM);
    assert.deepEqual(
      kept.map(({ data }) => (data as { level: string }).level),
      ["error"],
    );
    assert.equal(translators.counts.failed, 1);
  }
});

test("a translator cannot take a frame type away", () => {
  for (const type of ["llm.delta", "x.own", "job.done", ""])
    assert.throws(() => createTranslators().add(type, counting), codeIs("invalid_argument"));
});

test("states are apart by stream and by registry, and go back when the append is refused", () => {
  const translators = createTranslators().add("t", counting);
  const send = (stream: StreamId) =>
    numbers(
      translators.translate(
        [
          { type: "t", data: 0 },
          { type: "t", data: 0 },
        ],
        stream,
      ),
    );
  assert.deepEqual(send(STREAM), [1, 2]);
  assert.deepEqual(send(OTHER), [1, 2]);
  assert.deepEqual(send(STREAM), [3, 4]);
  translators.revert();
  assert.deepEqual(send(STREAM), [3, 4]);
  const another = createTranslators().add("t", counting);
  assert.deepEqual(numbers(another.translate([{ type: "t", data: 0 }], STREAM)), [1]);
});

test("states are bounded: the one written least recently is given up, and a revert brings it back", () => {
  const translators = createTranslators({ statesMax: 2 }).add("t", counting);
  const send = (stream: string) => numbers(translators.translate([{ type: "t", data: 0 }], stream as StreamId))[0];
  assert.deepEqual(["a", "b", "a", "c"].map(send), [1, 1, 2, 1]);
  translators.revert();
  assert.equal(send("b"), 2);
  assert.equal(translators.stateCount, 2);
});

test("frequent names are counted exactly enough in bounded places, whatever else comes", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant("hot"), fc.string({ maxLength: 3 })), { maxLength: 300 }), (names) => {
      const counts = new TopCounts(8);
      const exact = new Map<string, number>();
      for (const name of names) {
        counts.add(name);
        exact.set(name, (exact.get(name) ?? 0) + 1);
      }
      const top = new Map(counts.entries());
      assert.ok(top.size <= 8);
      assert.equal(
        [...top.values()].reduce((sum, count) => sum + count, 0),
        names.length,
      );
      for (const [name, count] of exact) if (count > names.length / 8) assert.ok((top.get(name) ?? 0) >= count, name);
      for (const [name, count] of top) assert.ok(count - (exact.get(name) ?? 0) <= names.length / 8);
    }),
  );
});

test("I12: one append becomes at most so many events, however many of its events are translated; the rest is kept as it came", () => {
  const many: Translator = () => Array.from({ length: 1_000 }, () => ({ type: "log", data: {} }));
  const translators = createTranslators().add("many", many);
  const events = Array.from({ length: 1_000 }, () => ({ type: "many", data: { a: 1 } }));
  const translated = translators.translate(events, STREAM);
  assert.ok(translated.length <= TRANSLATED_APPEND_MAX + events.length, `${translated.length} events`);
  assert.equal(translators.counts.failed, events.length - TRANSLATED_APPEND_MAX / 1_000);
  const last = translated.at(-1)?.data as { type: string; message: string; data: unknown };
  assert.deepEqual([last.type, last.data], ["many", { a: 1 }]);
  assert.match(last.message, /send fewer at once/);
});
