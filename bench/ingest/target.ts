/** What the load is put on: the engine in this process, or a server behind a socket. */
import type { ObservationBatch } from "@millrace/protocol";

/** How far a session's observations have come. */
export type Marks = {
  readonly accepted: number;
  readonly durable: number;
  readonly searchable: number;
  readonly indexed: number;
};

export type TargetEvents = {
  readonly onProgress: (marks: Marks) => void;
  /** Accepted observations that could not be indexed. */
  readonly onDeadLetter: () => void;
};

/** One producer into one space. */
export interface TargetSession {
  /** Number of the next observation. */
  readonly nextSeq: number;
  readonly watermarks: Marks;
  /** Takes a batch whole or throws a MillraceError: then it is refused, and what comes next has its numbers. Keeps no view of it. */
  submit(batch: ObservationBatch): void;
  /** Resolves when all that was accepted is indexed. */
  indexed(): Promise<void>;
  close(): Promise<void>;
}

export interface IngestTarget extends AsyncDisposable {
  /** A new space and its only session; observation s of it is row s − 1 of the space. */
  open(space: string, events: TargetEvents): Promise<TargetSession>;
  /** Rows of the k nearest, the nearest first. */
  recall(space: string, query: Float32Array, k: number): Promise<ArrayLike<number>>;
  /** Rows that the space's index has, counted where they are; absent where that cannot be asked. */
  rows?(space: string): Promise<number>;
  /** Takes rows out; how many there were. Absent where rows have no ids that are known. */
  remove?(space: string, rows: readonly number[]): Promise<number>;
  removeSpace(space: string): Promise<void>;
  /** Resident bytes of the process that is measured, and the processor time that all its threads have used. */
  rssBytes(): number;
  cpuMicros(): number;
}
