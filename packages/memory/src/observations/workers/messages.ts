/** What index workers are told, and what they answer. */
import type { MessagePort } from "node:worker_threads";
import type { ErrorBody } from "@millrace/core";
import type { VectorEncoding } from "@millrace/protocol";
import type { SegmentBuild, SharedIndex } from "@millrace/vector";
import type { ConsolidationWork } from "../consolidation/work.ts";
import type { NearestFound, NearestQuestion, RecallAnswer, RecallQuestion } from "./recall-question.ts";
import type { ReleasedSpace } from "./space-index.ts";

/** Options of the indexes of all spaces; what is absent is the index's own default. */
export type SpaceIndexOptions = {
  readonly m?: number;
  readonly efConstruction?: number;
  readonly segmentRows?: number;
  readonly graphRowsMin?: number;
  readonly capacityBytesMax?: number;
  readonly recall?: number;
  readonly graphs?: "eager" | "demanded";
};

export type WorkerSetup = {
  /** The block memory. */
  readonly memory: WebAssembly.Memory;
  /** Of the log. */
  readonly logDirectory: string;
  /** A folder for each space. */
  readonly indexDirectory: string;
  readonly index: SpaceIndexOptions;
  /** Questions come by a port of their own, since they do not wait behind batches. */
  readonly questions: MessagePort;
};

export type SpaceSpec = {
  readonly space: number;
  readonly dims: number;
  /** A RecordList's buffer. */
  readonly records: SharedArrayBuffer;
  /** Rows removed so far, in the order of their removal. */
  readonly removed: Uint32Array;
  /** Number of the first removal from now on, above that of any before: generations of an index that is no more are not taken for its own. */
  readonly firstRemoval: number;
};

/** One accepted batch, as it lies in the block memory. */
export type AddEntry = {
  readonly space: number;
  readonly firstRow: number;
  readonly count: number;
  readonly encoding: VectorEncoding;
  readonly vectorsAt: number;
  readonly metaAt: number;
  readonly metaBytes: number;
  readonly acceptedMs: number;
};

export type WorkerOrder =
  | { readonly kind: "open"; readonly lease: number; readonly spec: SpaceSpec }
  | { readonly kind: "adopt"; readonly lease: number; readonly spec: SpaceSpec; readonly released: ReleasedSpace }
  | { readonly kind: "release"; readonly request: number; readonly space: number }
  | { readonly kind: "add"; readonly batch: number; readonly entries: readonly AddEntry[] }
  /** Rows to take out, found by their ids or given. */
  | {
      readonly kind: "remove";
      readonly request: number;
      readonly space: number;
      readonly ids: readonly string[];
      readonly rows: readonly number[];
    }
  /** How many rows of each range (first row, count) are there. */
  | { readonly kind: "live"; readonly request: number; readonly space: number; readonly ranges: Uint32Array }
  | { readonly kind: "drop"; readonly space: number }
  /** Make a handle by which another worker searches the space's index; and take one, or let it go. */
  /** Memory is short: what was removed is not kept for older generations. */
  | { readonly kind: "compact" }
  | { readonly kind: "share"; readonly request: number; readonly space: number }
  | { readonly kind: "attach"; readonly space: number; readonly shared: SharedIndex }
  | { readonly kind: "detach"; readonly space: number }
  /** Rows of all spaces past their time to live are to go. */
  | { readonly kind: "expire"; readonly nowMs: number }
  /** Build a segment, of a space of this worker or another's, when there is time. */
  | { readonly kind: "build"; readonly id: number; readonly order: SegmentBuild }
  | { readonly kind: "save"; readonly request: number; readonly space: number }
  | { readonly kind: "settle"; readonly request: number; readonly space: number }
  /** A part of a consolidation, when there is time. */
  | {
      readonly kind: "consolidate";
      readonly request: number;
      readonly space: number;
      readonly work: ConsolidationWork;
    };

/** An observation that could not be indexed. */
export type Poisoned = { readonly space: number; readonly row: number; readonly error: ErrorBody };

/** What is known of a space after a change. */
export type SpaceProgress = {
  readonly space: number;
  /** Rows below are in every search. */
  readonly rows: number;
  /** Of the rows there are, those in their final form. */
  readonly indexed: number;
  readonly live: number;
  readonly bytes: number;
  /** Rows replaced by newer ones of the same id, and rows past their time to live, which the log is to be told of. */
  readonly replaced: readonly number[];
  readonly expired: readonly number[];
};

export type WorkerReport =
  | {
      readonly kind: "added";
      readonly batch: number;
      readonly busyMs: number;
      readonly poisoned: readonly Poisoned[];
      readonly progress: readonly SpaceProgress[];
    }
  | {
      readonly kind: "opened";
      readonly space: number;
      readonly lease: number;
      readonly progress: SpaceProgress;
      /** Records of the log that could not be read, each by its first row that is lost. */
      readonly damaged: readonly Poisoned[];
    }
  | { readonly kind: "progress"; readonly progress: readonly SpaceProgress[] }
  /** Segments of this worker's spaces that want building, for whoever has time. */
  | { readonly kind: "builds"; readonly orders: readonly SegmentBuild[] }
  | { readonly kind: "built"; readonly id: number }
  /** How many of the nearest an answer had that was looked at again. */
  | { readonly kind: "recall-checked"; readonly found: number; readonly of: number }
  | { readonly kind: "done"; readonly request: number; readonly value: unknown }
  | { readonly kind: "failed"; readonly request: number; readonly error: ErrorBody }
  /** A space could not be opened; what is sent to it is lost on this worker. */
  | { readonly kind: "space-failed"; readonly space: number; readonly lease: number; readonly error: ErrorBody };

/** What is asked of a space, or of an index that another worker has. */
export type Question =
  | {
      readonly question: RecallQuestion;
      /** The engine's clock: what expired before is not found. */
      readonly askedMs: number;
    }
  | { readonly nearest: NearestQuestion };
export type QuestionMessage = { readonly id: number; readonly space: number } & Question;
export type AnswerMessage =
  | { readonly id: number; readonly answer: RecallAnswer | NearestFound }
  | { readonly id: number; readonly error: ErrorBody };
