import { STATE_DOWN, STATE_UP } from "./limits.ts";

/** How hard the engine is pressed, least first. */
export const PRESSURE_STATES = ["normal", "warning", "critical", "overloaded"] as const;
export type PressureState = (typeof PRESSURE_STATES)[number];

const UP = [STATE_UP.warning, STATE_UP.critical, STATE_UP.overloaded, Number.POSITIVE_INFINITY];
const DOWN = [Number.NEGATIVE_INFINITY, STATE_DOWN.warning, STATE_DOWN.critical, STATE_DOWN.overloaded];

/** A state that follows pressure with hysteresis: up at 0.50, 0.80, 0.95, down at 0.40, 0.70, 0.90, several steps at once if need be. */
export class PressureGauge {
  pressure = 0;
  #rank = 0;

  get state(): PressureState {
    return PRESSURE_STATES[this.#rank] as PressureState;
  }

  isAtLeast(state: PressureState): boolean {
    return this.#rank >= PRESSURE_STATES.indexOf(state);
  }

  /** Takes the pressure, 0..1; returns whether the state changed. */
  update(pressure: number): boolean {
    const before = this.#rank;
    this.pressure = pressure;
    while (pressure >= (UP[this.#rank] as number)) this.#rank++;
    while (pressure <= (DOWN[this.#rank] as number)) this.#rank--;
    return this.#rank !== before;
  }
}
