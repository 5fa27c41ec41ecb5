/** Named sets of options: what ingest holds to, by what the machine is for. */
import { MillraceError } from "@millrace/core";
import type { Lane } from "@millrace/protocol";
import type { IndexOptions } from "@millrace/vector";
import type { AdmissionLimits } from "./admission-limits.ts";
import type { BatchLimits } from "./batch-sizer.ts";
import type { LaneLimits } from "./lane-depth.ts";
import { LANE_BYTES_PER_OBSERVATION } from "./limits.ts";
import type { MemoryLimits } from "./memory-gauge.ts";
import type { SpaceQuotas } from "./space-quotas.ts";

export const PROFILE_NAMES = [
  "production",
  "low-latency",
  "high-throughput",
  "resource-constrained",
  "multi-tenant",
  "edge",
] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** What of a space's index a profile sets; what is left out is the index's own default. */
export type IndexSettings = Readonly<
  Pick<IndexOptions, "m" | "efConstruction" | "segmentRows" | "graphRowsMin" | "capacityBytesMax">
>;

/** The options of a profile, as they are written down. */
export type ProfileOptions = {
  /** Index workers; `cores`: as many as the machine has. */
  readonly workers: number | "cores";
  readonly lanes: Readonly<Record<Lane, LaneLimits>>;
  readonly batch: BatchLimits;
  /** Observations in one worker's hands from which on an idle one takes a space over. */
  readonly stealThreshold: number;
  /** Longest time that observations wait for company before a batch is made of them. */
  readonly idleMs: number;
  /** Of the process. */
  readonly memory: MemoryLimits;
  /** Of every space that has none of its own. */
  readonly quotas: SpaceQuotas;
  readonly index: IndexSettings;
};

/** A profile that ingest can run with. */
export type Profile = {
  readonly name: ProfileName;
  /** Index workers, at least 1. */
  readonly workers: number;
  readonly limits: AdmissionLimits;
  readonly batch: BatchLimits;
  readonly stealThreshold: number;
  readonly idleMs: number;
  readonly index: IndexSettings;
  /** Memory for batches under way: what the lanes can hold and a quarter, at most 4 GiB. */
  readonly blockBytes: number;
};

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

const production: ProfileOptions = {
  workers: "cores",
  lanes: lanesOf(5_000, 50_000, 25_000),
  batch: { min: 10, max: 500, targetMs: 20 },
  stealThreshold: 1_000,
  idleMs: 1,
  memory: { softBytes: 6 * GIB, hardBytes: 8 * GIB },
  quotas: {},
  index: {},
};

/** The six profiles; frozen. docs/admission.md says what each is for. */
export const PROFILES: Readonly<Record<ProfileName, ProfileOptions>> = frozen({
  production,
  // Short queues and small batches: what waits longer than the target is refused instead.
  "low-latency": {
    ...production,
    lanes: lanesOf(1_000, 10_000, 5_000),
    batch: { min: 5, max: 50, targetMs: 4 },
    stealThreshold: 500,
    idleMs: 0,
  },
  "high-throughput": {
    ...production,
    lanes: lanesOf(10_000, 100_000, 50_000),
    batch: { min: 100, max: 1_000, targetMs: 50 },
    stealThreshold: 5_000,
    idleMs: 5,
    memory: { softBytes: 9 * GIB, hardBytes: 12 * GIB },
  },
  // A gigabyte in all: 40 MB for the lanes, half a gigabyte for indexes, segments that grow in steps of 130 MB.
  "resource-constrained": {
    ...production,
    workers: 2,
    lanes: lanesOf(500, 5_000, 2_000),
    batch: { min: 10, max: 200, targetMs: 40 },
    idleMs: 2,
    memory: { softBytes: 640 * MIB, hardBytes: 896 * MIB },
    index: { segmentRows: 65_536, capacityBytesMax: 512 * MIB },
  },
  // A space may fill a tenth of the normal lane, so seven noisy ones together do not shed the others' low lanes; as much is 50 ms of
  // work at 100,000 observations a second, so one space alone still keeps the workers busy. Half of that rate is the most that one gets.
  "multi-tenant": {
    ...production,
    quotas: { queuedCountMax: 5_000, queuedBytesMax: 20 * MIB, perSecondMax: 50_000, rowsMax: 1_000_000 },
  },
  // Half a gigabyte in all: one worker, graphs of half the links, segments that grow in steps of 65 MB.
  edge: {
    ...production,
    workers: 1,
    lanes: lanesOf(250, 2_500, 1_000),
    batch: { min: 5, max: 100, targetMs: 40 },
    idleMs: 5,
    memory: { softBytes: 420 * MIB, hardBytes: 480 * MIB },
    index: { m: 8, segmentRows: 32_768, capacityBytesMax: 256 * MIB },
  },
});

/** `name` when it is a profile's; else `invalid_argument` with the names. */
export function checkProfileName(name: string): ProfileName {
  const found = PROFILE_NAMES.find((known) => known === name);
  if (found) return found;
  const told = `profile is ${JSON.stringify(name).slice(0, 80)}; known are ${PROFILE_NAMES.join(", ")}`;
  throw new MillraceError("invalid_argument", told);
}

function lanesOf(high: number, normal: number, low: number): Record<Lane, LaneLimits> {
  const lane = (countMax: number) => ({ countMax, bytesMax: countMax * LANE_BYTES_PER_OBSERVATION });
  return { high: lane(high), normal: lane(normal), low: lane(low) };
}

function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (typeof part === "object" && part !== null) frozen(part);
  return Object.freeze(value);
}
