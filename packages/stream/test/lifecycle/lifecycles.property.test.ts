import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { StreamEvent, TextDeltaInput } from "@millrace/protocol";
import fc from "fast-check";
import type { LifecycleRow } from "../../src/lifecycle/entity-table.ts";
import { Lifecycles } from "../../src/lifecycle/lifecycles.ts";
import { isEnded, type OracleState, OUTCOMES, step } from "./oracle.ts";

const LIMITS = { openMax: 4, keyframeChars: 10, keyframeTextCharsMax: 60 };
const TYPES = [...OUTCOMES.map(({ type }) => type), "log", "x.own"];

type Intent = {
  readonly type: string;
  readonly id: string;
  readonly append: string;
  readonly offset: "none" | "right" | "wrong";
};
type Action =
  | { readonly do: "append"; readonly intents: readonly Intent[] }
  | { readonly do: "settle" }
  | { readonly do: "undo"; readonly back: number };

const anIntent: fc.Arbitrary<Intent> = fc.record({
  // Deltas and starts more often, so that texts grow before something ends them.
  type: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("llm.delta", "tool.delta", "llm.thinking.delta") },
    { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
  ),
  id: fc.constantFrom("a", "b", "c"),
  append: fc.string({ maxLength: 6 }),
  offset: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom("none" as const, "right" as const) },
    { weight: 1, arbitrary: fc.constant("wrong" as const) },
  ),
});
const anAppend: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("append" as const),
  intents: fc.array(anIntent, { minLength: 1, maxLength: 4 }),
});
const anAction: fc.Arbitrary<Action> = fc.oneof(
  { weight: 10, arbitrary: anAppend },
  { weight: 1, arbitrary: fc.constant({ do: "settle" as const }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("undo" as const), back: fc.nat(5) }) },
);

/** Lifecycles and oracle side by side; `frames[seq - 1]` is what frame `seq` led to. */
class Pair {
  readonly lifecycles = new Lifecycles(undefined, LIMITS);
  readonly frames: { event: StreamEvent; rows: LifecycleRow[]; after: OracleState }[] = [];
  settled = 0;
  hasUndone = false;

  get state(): OracleState {
    return this.frames.at(-1)?.after ?? new Map();
  }

  append(intents: readonly Intent[]): void {
    const { events, outcome } = this.#play(intents);
    const before = this.lifecycles.snapshot();
    const refused = Object.values(this.lifecycles.counters.refused).reduce((sum, count) => sum + count, 0);
    if (typeof outcome === "string") {
      assert.throws(
        () => this.lifecycles.check(events),
        (error) => error instanceof MillraceError && error.code === outcome,
      );
      assert.deepEqual(this.lifecycles.snapshot(), before);
      const after = Object.values(this.lifecycles.counters.refused).reduce((sum, count) => sum + count, 0);
      assert.equal(after, refused + 1);
      return;
    }
    const ready = this.lifecycles.check(events);
    assert.deepEqual(this.lifecycles.snapshot(), before);
    assert.equal(ready.length, events.length);
    ready.forEach((event, at) => {
      const rows: LifecycleRow[] = [];
      this.lifecycles.apply(event, this.frames.length + 1, rows);
      this.frames.push({ event, rows, after: outcome[at] ?? new Map() });
    });
  }

  /** The events that are meant, and what the oracle makes of them: a state after each, or a code. */
  #play(intents: readonly Intent[]): { events: StreamEvent[]; outcome: OracleState[] | string } {
    const events: StreamEvent[] = [];
    const states: OracleState[] = [];
    let code: string | undefined;
    for (const { type, id, append, offset } of intents) {
      const state = states.at(-1) ?? this.state;
      const kind = OUTCOMES.find((outcomes) => outcomes.type === type)?.kind;
      const length = state.get(`${kind}/${id}`)?.text.length ?? 0;
      const place = offset === "none" ? {} : { offset: offset === "right" ? length : length + 1 };
      const event = { type, id, data: type.endsWith(".delta") ? { ...place, append } : {} };
      events.push(event);
      const after = code ?? step(state, event, this.frames.length + events.length, LIMITS.openMax);
      if (typeof after === "string") code = after;
      else states.push(after);
    }
    return { events, outcome: code ?? states };
  }

  undo(back: number): void {
    const to = Math.max(this.settled, this.frames.length - back);
    this.lifecycles.undoAfter(to);
    this.frames.length = to;
    this.hasUndone ||= back > 0;
  }

  settle(): void {
    this.settled = this.frames.length;
    this.lifecycles.settle(this.settled);
  }

  /** What the lifecycles remember is what the oracle says. */
  checkState(): void {
    const expected = [...this.state].map(([key, { state, text, startSeq, endSeq }]) => ({
      ...{ kind: key.split("/")[0], id: key.split("/")[1], state },
      ...{ chars: text.length, startSeq, endSeq },
    }));
    assert.deepEqual(sorted(this.lifecycles.snapshot()), sorted(expected));
    assert.equal(this.lifecycles.openCount, expected.filter(({ state }) => state === "open").length);
  }

  /** Every delta has its offset; a keyframe has the whole text and comes when it is due. */
  checkTexts(): void {
    const texts = new Map<string, { text: string; keyframeAt: number }>();
    for (const { event } of this.frames) {
      if (!event.type.endsWith(".delta")) continue;
      const key = `${event.type}/${event.id}`;
      const { text: before, keyframeAt } = texts.get(key) ?? { text: "", keyframeAt: 0 };
      const { offset, append, text } = event.data as TextDeltaInput;
      assert.equal(offset, before.length);
      const whole = before + append;
      const isDue = whole.length - keyframeAt >= LIMITS.keyframeChars && whole.length <= LIMITS.keyframeTextCharsMax;
      if (text !== undefined) assert.equal(text, whole);
      if (!this.hasUndone) assert.equal(text !== undefined, isDue, `at ${whole.length} after ${keyframeAt}`);
      texts.set(key, { text: whole, keyframeAt: text === undefined ? keyframeAt : whole.length });
    }
  }

  /** One terminal for an id; rows and log each lead to the same state. */
  checkKept(): void {
    const rows = this.frames.flatMap((frame) => frame.rows);
    const ends = rows.filter(({ state }) => isEnded(state)).map(({ kind, id }) => `${kind}/${id}`);
    assert.equal(new Set(ends).size, ends.length);
    const fromRows = new Lifecycles(undefined, LIMITS);
    fromRows.restore(rows);
    const withoutChars = (row: LifecycleRow) => (row.state === "open" ? { ...row, chars: null } : row);
    assert.deepEqual(sorted(fromRows.snapshot()), sorted(this.lifecycles.snapshot().map(withoutChars)));
    const fromLog = new Lifecycles(undefined, LIMITS);
    this.frames.forEach(({ event }, at) => {
      fromLog.apply(event, at + 1, []);
    });
    assert.deepEqual(sorted(fromLog.snapshot()), sorted(this.lifecycles.snapshot()));
  }
}

function sorted<Row extends { kind: string | undefined; id: string | undefined }>(rows: readonly Row[]): Row[] {
  return rows.toSorted((a, b) => (`${a.kind}/${a.id}` < `${b.kind}/${b.id}` ? -1 : 1));
}

test("I7: check, apply, settle and undo equal a naive oracle; a refused append changes nothing; an id ends once", () => {
  fc.assert(
    fc.property(fc.array(anAction, { minLength: 5, maxLength: 60, size: "max" }), (actions) => {
      const pair = new Pair();
      for (const action of actions) {
        if (action.do === "append") pair.append(action.intents);
        else if (action.do === "settle") pair.settle();
        else pair.undo(action.back);
        pair.checkState();
      }
      pair.checkTexts();
      pair.checkKept();
    }),
    { numRuns: 1_000 },
  );
});

test("I7: what closeAll gives ends everything that is open but jobs, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(anAppend, { maxLength: 20, size: "max" }), (actions) => {
      const pair = new Pair();
      for (const action of actions) if (action.do === "append") pair.append(action.intents);
      const { lifecycles } = pair;
      const before = lifecycles.snapshot();
      const jobIds = new Set(before.filter(({ kind }) => kind === "job").map(({ id }) => id));
      const events = lifecycles.closeAll("restart");
      let seq = pair.frames.length;
      for (const event of lifecycles.check(events)) lifecycles.apply(event, ++seq, []);
      for (const { kind, id, state } of lifecycles.snapshot()) {
        const was = before.find((row) => row.kind === kind && row.id === id)?.state;
        if (kind === "job" && was === "open") assert.ok(state === "open" || jobIds.has(id));
        else assert.equal(state, was === "open" ? "interrupted" : was);
      }
      assert.deepEqual(
        lifecycles.closeAll("restart").filter(({ id }) => !jobIds.has(id ?? "")),
        [],
      );
    }),
    { numRuns: 300 },
  );
});
