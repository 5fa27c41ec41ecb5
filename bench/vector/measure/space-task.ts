/** What the threads that own spaces are told and what they answer. */
import type { ErrorBody } from "@millrace/core";
import type { MillraceOptions } from "./contender.ts";
import type { TimedSearches } from "./search-queries.ts";
import type { VectorSet } from "./vector-set.ts";

export type SpaceTask = {
  /** Base and queries in shared memory. */
  readonly set: VectorSet;
  readonly index: MillraceOptions;
  /** First row of each space this thread owns: every space gets all rows, each from another one on. */
  readonly firstRows: readonly number[];
  readonly batchRows: number;
  /** [0] turns 1 when all threads may start. */
  readonly barrier: Int32Array;
};

/** Search all spaces of the thread, one after the other. */
export type SpaceCommand = { readonly secondsMaxPerSpace: number };

export type SpaceReport =
  | { readonly kind: "ready" }
  | {
      readonly kind: "built";
      /** Of the clock that all threads of a process share, in nanoseconds. */
      readonly startedNs: bigint;
      readonly endedNs: bigint;
      readonly cpuSeconds: number;
      readonly rows: number;
      readonly indexed: number;
      readonly bytes: number;
    }
  | { readonly kind: "searched"; readonly spaces: readonly TimedSearches[] }
  | { readonly kind: "failed"; readonly error: ErrorBody };

export type ReportOf<Kind extends SpaceReport["kind"]> = Extract<SpaceReport, { readonly kind: Kind }>;
