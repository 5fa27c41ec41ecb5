import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameRing } from "@millrace/stream";
import fc from "fast-check";

const frame = (seq: number, chars: number) => ({ seq, json: "x".repeat(chars) });

test("the ring holds the newest frames within its bounds, except what is pinned, as a plain list would", () => {
  const step = fc.record({ chars: fc.nat(40), framesMax: fc.integer({ min: 1, max: 30 }), pinned: fc.nat(60) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(1_000), (steps, start) => {
      const ring = new FrameRing();
      ring.reset(start + 1);
      let list: { seq: number; json: string }[] = [];
      let seq = start;
      for (const { chars, framesMax, pinned } of steps) {
        seq++;
        ring.push(frame(seq, chars));
        list.push(frame(seq, chars));
        const pinnedFrom = seq - pinned;
        ring.evict(framesMax, 300, pinnedFrom);
        const bytes = () => list.reduce((sum, { json }) => sum + json.length, 0);
        while (list.length > 0 && (list[0]?.seq ?? 0) < pinnedFrom && (list.length > framesMax || bytes() > 300)) {
          list = list.slice(1);
        }
        assert.equal(ring.bytes, bytes());
        assert.deepEqual([ring.first, ring.next], [list[0]?.seq ?? seq + 1, seq + 1]);
        for (let at = start; at <= seq + 1; at++)
          assert.deepEqual(
            ring.at(at),
            list.find((one) => one.seq === at),
          );
      }
    }),
    { numRuns: 200 },
  );
});
