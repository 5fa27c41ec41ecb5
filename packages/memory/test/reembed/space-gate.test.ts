import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SpaceGate } from "../../src/reembed/space-gate.ts";

test("whatever comes in whatever order: nothing passes while one is alone, and nothing waits for ever", async () => {
  const work = fc.record({
    isAlone: fc.boolean(),
    space: fc.integer({ min: 0, max: 1 }),
    turns: fc.integer({ min: 0, max: 4 }),
    fails: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(work, { maxLength: 20 }), async (works) => {
      const gate = new SpaceGate();
      const inside = [new Set<boolean[]>(), new Set<boolean[]>()] as const;
      let side = 0;
      const runs = works.map(async ({ isAlone, space, turns, fails }) => {
        const enter = async () => {
          const me = [isAlone];
          const others = inside[space as 0 | 1];
          others.add(me);
          for (let turn = 0; turn <= turns; turn++) {
            if (isAlone) assert.equal(others.size, 1, "alone means alone");
            else side = Math.max(side, others.size);
            await Promise.resolve();
          }
          others.delete(me);
          if (fails) throw new Error("failed");
        };
        const run = isAlone ? gate.alone(space, enter) : gate.pass(space, enter);
        await run.catch((error: Error) => assert.equal(error.message, "failed"));
      });
      await Promise.all(runs);
      const passing = works.filter(({ isAlone, space, turns }) => !isAlone && space === 0 && turns > 2).length;
      if (passing === works.length && passing > 1) assert.ok(side > 1, "writes pass side by side");
    }),
  );
});
