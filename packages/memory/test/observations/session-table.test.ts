import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PRESSURE_STATES } from "../../src/observations/admission/pressure.ts";
import { SessionTable } from "../../src/observations/session-table.ts";
import { DIMS, SPACE } from "./fixture.ts";

const PLACE = { id: 1, dims: DIMS };

test("the high lane keeps a quarter of its credits when the engine is overloaded, others none", () => {
  const table = new SessionTable([], () => {});
  const creditsOf = (lane: "high" | "normal" | "low") =>
    table.open({ space: SPACE, lane, credits: 1_000 }, PLACE, "overloaded").credits;
  assert.deepEqual([creditsOf("high"), creditsOf("normal"), creditsOf("low")], [250, 0, 0]);
});

test("credits are told when they change, and only then", () => {
  const table = new SessionTable([], () => {});
  const told: number[] = [];
  table.open({ space: SPACE, credits: 100, onFlow: ({ credits }) => void told.push(credits) }, PLACE, "normal");
  for (const state of ["normal", "warning", "warning", "overloaded", "critical"] as const) table.pressed(state);
  assert.deepEqual(told, [50, 0, 25]);
});

test("any history stays within the credits, and whoever waits for all of its own can go on unless paused", () => {
  const step = fc.record({
    state: fc.constantFrom(...PRESSURE_STATES),
    count: fc.integer({ min: 1, max: 64 }),
    settled: fc.nat(100),
  });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const table = new SessionTable([], () => {});
      const session = table.open({ space: SPACE, credits: 64 }, PLACE, "normal");
      for (const { state, count, settled } of steps) {
        table.pressed(state);
        const before = session.outstanding;
        let isAllowed = true;
        try {
          session.checkCredits(count);
        } catch {
          isAllowed = false;
        }
        if (isAllowed) session.advance("accepted", count);
        if (isAllowed) assert.ok(session.outstanding <= Math.max(session.credits, before === 0 ? 64 : 0));
        if (state === "overloaded") assert.equal(isAllowed, false);
        else if (before === 0) assert.equal(isAllowed, true);
        session.advance("durable", Math.min(settled, session.outstanding));
      }
    }),
  );
});

test("a session that was taken over settles at once for whoever waits on its old hold", async () => {
  const table = new SessionTable([], () => {});
  const request = { space: SPACE, session: "one" };
  const first = table.open(request, PLACE, "normal");
  first.advance("accepted", 5);
  const second = table.open(request, PLACE, "normal");
  await assert.rejects(first.reached("durable"), { code: "conflict" });
  assert.equal((await first.close()).accepted, 5);
  assert.equal(second.nextSeq, 6);
});
