import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { MemoryGauge } from "../../../src/observations/admission/memory-gauge.ts";
import { PRESSURE_STATES, PressureGauge } from "../../../src/observations/admission/pressure.ts";

const MIB = 1024 ** 2;

test("states are entered at 0.50, 0.80, 0.95 and left at 0.40, 0.70, 0.90", () => {
  const gauge = new PressureGauge();
  const states = [0.499, 0.5, 0.41, 0.8, 0.71, 0.949, 0.95, 0.901, 0.9, 0.701, 0.7, 0.401, 0.4].map((pressure) => {
    gauge.update(pressure);
    return gauge.state;
  });
  assert.deepEqual(states, [
    "normal",
    "warning",
    "warning",
    "critical",
    "critical",
    "critical",
    "overloaded",
    "overloaded",
    "critical",
    "critical",
    "warning",
    "warning",
    "normal",
  ]);
});

test("a jump passes several states at once and is one change", () => {
  const gauge = new PressureGauge();
  assert.equal(gauge.update(1), true);
  assert.equal(gauge.state, "overloaded");
  assert.equal(gauge.update(1), false);
  assert.equal(gauge.update(0), true);
  assert.equal(gauge.state, "normal");
});

test("the state never contradicts the pressure by more than the hysteresis, and does not flicker inside it", () => {
  const bounds = { normal: [0, 0.5], warning: [0.4, 0.8], critical: [0.7, 0.95], overloaded: [0.9, 1.01] } as const;
  const pressures = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 50 });
  fc.assert(
    fc.property(pressures, (all) => {
      const gauge = new PressureGauge();
      for (const pressure of all) {
        const before = gauge.state;
        const hasChanged = gauge.update(pressure);
        const [least, most] = bounds[gauge.state];
        assert.ok(pressure >= least && pressure < most, `${pressure} is ${gauge.state}`);
        assert.equal(hasChanged, before !== gauge.state);
        const [leastBefore, mostBefore] = bounds[before];
        if (pressure > leastBefore && pressure < mostBefore) assert.equal(gauge.state, before);
        for (const state of PRESSURE_STATES) {
          const isReached = PRESSURE_STATES.indexOf(state) <= PRESSURE_STATES.indexOf(gauge.state);
          assert.equal(gauge.isAtLeast(state), isReached);
        }
      }
    }),
  );
});

test("memory presses half at its soft limit, wholly at its hard one, and evenly between", () => {
  const memory = new MemoryGauge({ softBytes: 100 * MIB, hardBytes: 300 * MIB });
  const pressures = [0, 50, 100, 200, 300, 400].map((mib) => {
    memory.update(mib * MIB);
    return memory.pressure;
  });
  assert.deepEqual(pressures, [0, 0.25, 0.5, 0.75, 1, 1]);
});

test("the soft limit is left a tenth below, and crossed again only from there", () => {
  const memory = new MemoryGauge({ softBytes: 100 * MIB, hardBytes: 300 * MIB });
  const crossed = [99, 100, 95, 120, 89, 99, 101].map((mib) => memory.update(mib * MIB));
  assert.deepEqual(crossed, [false, true, false, false, false, false, true]);
});
