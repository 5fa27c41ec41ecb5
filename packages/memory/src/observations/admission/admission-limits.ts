import { checkInteger, MillraceError } from "@millrace/core";
import { LANES, type Lane } from "@millrace/protocol";
import type { LaneLimits } from "./lane-depth.ts";
import { LANE_BYTES_MAX, LANE_COUNT_MAX, MEMORY_BYTES_MIN } from "./limits.ts";
import type { MemoryLimits } from "./memory-gauge.ts";
import { checkQuotas, type SpaceQuotas } from "./space-quotas.ts";

/** What admission holds to; a profile has them all. */
export type AdmissionLimits = {
  readonly lanes: Readonly<Record<Lane, LaneLimits>>;
  readonly memory: MemoryLimits;
  /** Of every space that has none of its own. Default: none. */
  readonly quotas?: SpaceQuotas;
};

/** `limits` when all are within their ranges; else `invalid_argument` naming the option. */
export function checkAdmissionLimits(limits: AdmissionLimits): AdmissionLimits {
  for (const lane of LANES) {
    checkInteger(`lanes.${lane}.countMax`, limits.lanes[lane].countMax, { min: 1, max: LANE_COUNT_MAX });
    checkInteger(`lanes.${lane}.bytesMax`, limits.lanes[lane].bytesMax, { min: 1, max: LANE_BYTES_MAX });
  }
  const { softBytes, hardBytes } = limits.memory;
  checkInteger("memory.hardBytes", hardBytes, { min: MEMORY_BYTES_MIN, max: Number.MAX_SAFE_INTEGER });
  checkInteger("memory.softBytes", softBytes, { min: MEMORY_BYTES_MIN / 2, max: Number.MAX_SAFE_INTEGER });
  if (softBytes >= hardBytes) {
    const told = `memory.softBytes is ${softBytes}; it must be below memory.hardBytes, ${hardBytes}`;
    throw new MillraceError("invalid_argument", told);
  }
  checkQuotas(limits.quotas ?? {});
  return limits;
}
