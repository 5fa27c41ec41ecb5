import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "@millrace/core";
import type { StreamEvent } from "@millrace/protocol";
import { Lifecycles } from "../../src/lifecycle/lifecycles.ts";
import { KINDS, type Kind, LIFECYCLE, RULES, STATES, type State, type StepOfState } from "../../src/lifecycle/table.ts";
import { OUTCOMES } from "./oracle.ts";

/** An event of the type; deltas carry text. */
function event(type: string): StreamEvent {
  return { type, id: "e", data: type.endsWith(".delta") ? { append: "a" } : {} };
}

/** Lifecycles in which the entity `e` of that kind is in that state. */
function inState(kind: Kind, state: State): Lifecycles {
  const lifecycles = new Lifecycles();
  if (state !== "absent") lifecycles.restore([{ kind, id: "e", state, chars: 0, startSeq: 1, endSeq: 2 }]);
  return lifecycles;
}

const cells = OUTCOMES.flatMap(({ type, kind, of }) =>
  (kind === "*" ? KINDS : [kind as Kind]).flatMap((ofKind) =>
    STATES.map((state) => ({ type, kind: ofKind, state, expected: of[state] ?? "" })),
  ),
);

test("I7: the table has a row for every type of every kind, and no other", () => {
  const rows = KINDS.flatMap((kind) => Object.keys(LIFECYCLE[kind]).map((type) => `${kind} ${type}`));
  assert.deepEqual(rows.sort(), [...new Set(cells.map(({ kind, type }) => `${kind} ${type}`))].sort());
  assert.deepEqual([...RULES.keys()].sort(), OUTCOMES.flatMap(({ type, kind }) => (kind === "*" ? [] : [type])).sort());
});

for (const { type, kind, state, expected } of cells) {
  test(`I7: ${type} for a ${kind} that is ${state} gives ${expected}`, () => {
    const steps = (LIFECYCLE[kind] as Record<string, StepOfState>)[type];
    const step = steps?.[state];
    assert.equal(step?.to ?? `!${step && "refuse" in step ? step.refuse : "missing"}`, expected);
    const lifecycles = inState(kind, state);
    const before = lifecycles.snapshot();
    if (expected.startsWith("!")) {
      assert.throws(
        () => lifecycles.check([event(type)]),
        (error) => error instanceof MillraceError && error.code === expected.slice(1) && /\be\b/.test(error.message),
      );
      lifecycles.apply(event(type), 9, []);
      assert.deepEqual(lifecycles.snapshot(), before);
      return;
    }
    const rows: object[] = [];
    for (const ready of lifecycles.check([event(type)])) lifecycles.apply(ready, 9, rows as never);
    assert.equal(lifecycles.snapshot()[0]?.state ?? "absent", expected);
    assert.equal(rows.length, expected === state ? 0 : 1);
  });
}
