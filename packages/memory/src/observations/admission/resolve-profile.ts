/** A profile with changes: checked, and complete. */
import { availableParallelism } from "node:os";
import { checkInteger, MillraceError } from "@millrace/core";
import { LANES, type Lane } from "@millrace/protocol";
import { type AdmissionLimits, checkAdmissionLimits } from "./admission-limits.ts";
import { checkBatchLimits } from "./batch-sizer.ts";
import type { LaneLimits } from "./lane-depth.ts";
import {
  BLOCK_BYTES_MAX,
  BLOCK_SLACK,
  IDLE_MS_MAX,
  LANE_BYTES_PER_OBSERVATION,
  LANE_COUNT_MAX,
  WORKERS_MAX,
} from "./limits.ts";
import { checkProfileName, PROFILES, type Profile, type ProfileOptions } from "./profiles.ts";
import { quotaNames } from "./space-quotas.ts";

/** Options that replace a profile's, one by one. A lane whose `countMax` is given alone has 4,096 bytes for each observation. */
export type ProfileOverrides = {
  readonly [name in Exclude<keyof ProfileOptions, "lanes" | "workers">]?: ProfileOptions[name] extends number
    ? number
    : Partial<ProfileOptions[name]>;
} & {
  readonly workers?: number | "cores";
  readonly lanes?: Readonly<Partial<Record<Lane, Partial<LaneLimits>>>>;
};

/** Parts of a profile and their options; `undefined` where the part is one option. */
const KNOWN: Readonly<Record<keyof ProfileOptions, readonly string[] | undefined>> = {
  workers: undefined,
  lanes: LANES,
  batch: ["min", "max", "targetMs"],
  stealThreshold: undefined,
  idleMs: undefined,
  memory: ["softBytes", "hardBytes"],
  quotas: quotaNames(),
  index: ["m", "efConstruction", "segmentRows", "graphRowsMin", "capacityBytesMax"],
};

/**
 * The profile of that name with what `overrides` changes; `cores` is what "cores" stands for, by default what this process may use.
 * `invalid_argument` names a profile or option that is not known, or the option that is out of its range. The ranges of `index` are
 * checked where an index is made.
 */
export function resolveProfile(
  name: string,
  overrides: ProfileOverrides = {},
  cores: number = availableParallelism(),
): Profile {
  const known = checkProfileName(name);
  checkNames(overrides);
  const options = PROFILES[known];
  const limits = checkAdmissionLimits({
    lanes: lanesWith(options, overrides),
    memory: { ...options.memory, ...overrides.memory },
    quotas: { ...options.quotas, ...overrides.quotas },
  });
  const workers = overrides.workers ?? options.workers;
  const stealThreshold = overrides.stealThreshold ?? options.stealThreshold;
  return {
    name: known,
    workers: checkInteger("workers", workers === "cores" ? Math.min(cores, WORKERS_MAX) : workers, {
      min: 1,
      max: WORKERS_MAX,
    }),
    limits,
    batch: checkBatchLimits({ ...options.batch, ...overrides.batch }),
    stealThreshold: checkInteger("stealThreshold", stealThreshold, { min: 1, max: LANE_COUNT_MAX }),
    idleMs: checkInteger("idleMs", overrides.idleMs ?? options.idleMs, { min: 0, max: IDLE_MS_MAX }),
    index: { ...options.index, ...overrides.index },
    blockBytes: blockBytesOf(limits),
  };
}

function lanesWith(options: ProfileOptions, { lanes = {} }: ProfileOverrides): Record<Lane, LaneLimits> {
  const changed = (lane: Lane): LaneLimits => {
    const change = lanes[lane];
    const bytesMax = change?.countMax === undefined ? undefined : change.countMax * LANE_BYTES_PER_OBSERVATION;
    return { ...options.lanes[lane], ...(bytesMax === undefined ? {} : { bytesMax }), ...change };
  };
  return { high: changed("high"), normal: changed("normal"), low: changed("low") };
}

function blockBytesOf({ lanes }: AdmissionLimits): number {
  const bytes = LANES.reduce((sum, lane) => sum + lanes[lane].bytesMax, 0);
  if (bytes <= BLOCK_BYTES_MAX) return Math.min(BLOCK_BYTES_MAX, Math.ceil(bytes * BLOCK_SLACK));
  const told = `lanes.*.bytesMax are ${bytes} bytes together; at most ${BLOCK_BYTES_MAX} can be under way`;
  throw new MillraceError("invalid_argument", told);
}

function checkNames(overrides: ProfileOverrides): void {
  checkKnown("", overrides, Object.keys(KNOWN));
  for (const [part, names] of Object.entries(KNOWN)) {
    const value = overrides[part as keyof ProfileOptions];
    if (names && value !== undefined) checkKnown(`${part}.`, value, names);
  }
  for (const lane of LANES) checkKnown(`lanes.${lane}.`, overrides.lanes?.[lane] ?? {}, ["countMax", "bytesMax"]);
}

function checkKnown(prefix: string, value: unknown, names: readonly string[]): void {
  if (typeof value !== "object" || value === null)
    throw new MillraceError(
      "invalid_argument",
      `${prefix.slice(0, -1) || "overrides"} must be an object of ${names.join(", ")}`,
    );
  const unknown = Object.keys(value).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const told = `unknown option "${prefix}${unknown}"; known are ${names.map((name) => prefix + name).join(", ")}`;
  throw new MillraceError("invalid_argument", told);
}
