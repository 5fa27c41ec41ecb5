import { SOFT_LEAVE_SHARE, STATE_UP } from "./limits.ts";

/** Bounds of memory in bytes, by whatever the caller measures; `softBytes` is below `hardBytes`. */
export type MemoryLimits = { readonly softBytes: number; readonly hardBytes: number };

/** Memory against its limits. Pressure is 0.5 at the soft limit, where warning begins, and 1 at the hard one. */
export class MemoryGauge {
  readonly limits: MemoryLimits;
  usedBytes = 0;
  #isAboveSoft = false;

  constructor(limits: MemoryLimits) {
    this.limits = limits;
  }

  get pressure(): number {
    const { softBytes, hardBytes } = this.limits;
    if (this.usedBytes <= softBytes) return (this.usedBytes / softBytes) * STATE_UP.warning;
    const above = (this.usedBytes - softBytes) / (hardBytes - softBytes);
    return Math.min(1, STATE_UP.warning + above * (1 - STATE_UP.warning));
  }

  /** At or above the soft limit, and after that until it has fallen a tenth below. */
  get isAboveSoft(): boolean {
    return this.#isAboveSoft;
  }

  get isAboveHard(): boolean {
    return this.usedBytes >= this.limits.hardBytes;
  }

  /** Returns whether the soft limit was crossed upwards. */
  update(usedBytes: number): boolean {
    const wasAbove = this.#isAboveSoft;
    this.usedBytes = usedBytes;
    if (usedBytes >= this.limits.softBytes) this.#isAboveSoft = true;
    else if (usedBytes < this.limits.softBytes * SOFT_LEAVE_SHARE) this.#isAboveSoft = false;
    return this.#isAboveSoft && !wasAbove;
  }
}
