import { ManualClock } from "@millrace/core";
import type { Lane } from "@millrace/protocol";
import { type AdmissionOptions, createAdmission } from "../../../src/observations/admission/admission.ts";
import type { AdmissionLimits } from "../../../src/observations/admission/admission-limits.ts";

const GIB = 1024 ** 3;

export function limitsOf(counts: Record<Lane, number>, more: Partial<AdmissionLimits> = {}): AdmissionLimits {
  const lane = (countMax: number) => ({ countMax, bytesMax: countMax * 1_000 });
  return {
    lanes: { high: lane(counts.high), normal: lane(counts.normal), low: lane(counts.low) },
    memory: { softBytes: GIB, hardBytes: 2 * GIB },
    ...more,
  };
}

/** An admission on a clock that moves by hand, without jitter; items are numbers. */
export function setUp(options: Partial<AdmissionOptions> = {}) {
  const clock = new ManualClock(0);
  const limits = options.limits ?? limitsOf({ high: 5_000, normal: 50_000, low: 25_000 });
  const admission = createAdmission<number>({ limits, clock, jitter: () => 0, ...options });
  let number = 0;
  const admit = (space: number, count: number, more: { lane?: Lane; bytes?: number; session?: number } = {}) => {
    const { lane = "normal", bytes = count, session = space } = more;
    return admission.admit({ space, session, lane, count, bytes }, number++);
  };
  const take = (countMax: number, isReady?: (space: number) => boolean) =>
    admission.take({ countMax, bytesMax: GIB, ...(isReady ? { isReady } : {}) });
  return { admission, clock, admit, take };
}

export function sum(entries: readonly { readonly count: number }[]): number {
  return entries.reduce((total, { count }) => total + count, 0);
}
