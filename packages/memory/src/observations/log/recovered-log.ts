/** What a log held when it was opened. */

import type { LogFinding } from "./finding.ts";
import { PLACE_BYTES } from "./limits.ts";
import { type Marks, MarkTable } from "./mark-table.ts";
import {
  ColumnsBuilder,
  columnBuffers,
  copyRow,
  kindAt,
  makeColumns,
  type PositionColumns,
  sliceColumns,
} from "./record-columns.ts";

export type RecoveredSpace = {
  readonly space: number;
  /** The number after the highest that any observation ever had. */
  readonly nextRow: number;
  /** Records of observations, in order of their rows. Views of memory that all spaces share: 37 bytes a record. */
  readonly positions: PositionColumns;
  /** Rows that were removed, in the order of their removal; some may be gone from the log already. */
  readonly removedRows: Uint32Array;
};

export type RecoveredSession = {
  readonly space: number;
  readonly session: string;
  /** The last of its numbers that is durable. */
  readonly lastSeq: number;
  readonly acceptedMs: number;
};

export type RecoveredLog = {
  /** Those of which anything is left, by number. */
  readonly spaces: readonly RecoveredSpace[];
  /** Spaces whose removal is in the log and of which nothing came after. */
  readonly removedSpaces: readonly number[];
  readonly sessions: readonly RecoveredSession[];
  /** 0 when the log is empty. */
  readonly highestAcceptedMs: number;
  readonly records: number;
  /** Files whose records were walked over, since they were not closed or their index was damaged. */
  readonly filesWalked: number;
  /** At most 1,000. */
  readonly findings: readonly LogFinding[];
  readonly findingCount: number;
};

/** A RecoveredLog on its way between threads: one set of columns, ordered by space. */
export type PackedLog = {
  readonly columns: PositionColumns;
  readonly removedRows: ReadonlyMap<number, Uint32Array>;
  readonly removedSpaces: readonly number[];
  readonly marks: Marks;
  readonly highestAcceptedMs: number;
  readonly filesWalked: number;
  readonly findings: readonly LogFinding[];
  readonly findingCount: number;
};

/** Reads the rows of a record of removals; undefined when it is damaged. */
export type ReadRemovals = (columns: PositionColumns, at: number) => Uint32Array | undefined;

/** Takes the files of a log in the order of their records. */
export class LogGatherer {
  readonly #rows = new ColumnsBuilder(1_024);
  readonly #marks = new MarkTable();
  readonly #removed = new Map<number, Uint32Array[]>();
  readonly #removedSpaces = new Set<number>();
  /** Records before these are of a space that was removed. */
  readonly #since = new Map<number, number>();
  #highestAcceptedMs = 0;

  add(file: { readonly columns: PositionColumns; readonly marks: Marks }, readRemovals: ReadRemovals): void {
    const { columns } = file;
    const first = this.#rows.length;
    this.#rows.pushAll(columns);
    for (let at = 0; at < columns.kind.length; at++) {
      const space = columns.space[at] ?? 0;
      const kind = kindAt(columns, at);
      this.#highestAcceptedMs = Math.max(this.#highestAcceptedMs, columns.acceptedMs[at] ?? 0);
      if (kind === "observations") this.#removedSpaces.delete(space);
      else if (kind === "space-removed") this.#forget(space, first + at);
      else if (kind === "removals") this.#remove(space, readRemovals(columns, at));
    }
    this.#marks.merge(file.marks);
  }

  pack(findings: { readonly list: readonly LogFinding[]; readonly count: number }, filesWalked: number): PackedLog {
    const marks = this.#marks.toMarks();
    const sessionMs = marks.sessions.reduce((max, [, , , acceptedMs]) => Math.max(max, acceptedMs), 0);
    return {
      columns: this.#bySpace(),
      removedRows: new Map([...this.#removed].map(([space, parts]) => [space, joined(parts)])),
      removedSpaces: [...this.#removedSpaces],
      marks,
      highestAcceptedMs: Math.max(this.#highestAcceptedMs, sessionMs),
      filesWalked,
      findings: findings.list,
      findingCount: findings.count,
    };
  }

  #forget(space: number, at: number): void {
    this.#since.set(space, at);
    this.#removed.delete(space);
    this.#removedSpaces.add(space);
    this.#marks.forget(space);
  }

  #remove(space: number, rows: Uint32Array | undefined): void {
    const parts = this.#removed.get(space);
    if (parts && rows) parts.push(rows);
    else if (rows) this.#removed.set(space, [rows]);
  }

  /** The observations that count, ordered by space, within a space as they came. */
  #bySpace(): PositionColumns {
    const { columns } = this.#rows;
    const starts = new Map<number, number>();
    const counts = (at: number): boolean =>
      kindAt(columns, at) === "observations" && at >= (this.#since.get(columns.space[at] ?? 0) ?? 0);
    let total = 0;
    for (let at = 0; at < columns.kind.length; at++) {
      if (!counts(at)) continue;
      const space = columns.space[at] ?? 0;
      starts.set(space, (starts.get(space) ?? 0) + 1);
      total++;
    }
    let start = 0;
    for (const space of [...starts.keys()].sort((a, b) => a - b)) {
      const count = starts.get(space) ?? 0;
      starts.set(space, start);
      start += count;
    }
    const ordered = makeColumns(total);
    for (let at = 0; at < columns.kind.length; at++) {
      if (!counts(at)) continue;
      const space = columns.space[at] ?? 0;
      const into = starts.get(space) ?? 0;
      copyRow(columns, at, { columns: ordered, at: into });
      starts.set(space, into + 1);
    }
    return ordered;
  }
}

/** The buffers of it that are moved, not copied. */
export function packedBuffers({ columns }: PackedLog): ArrayBuffer[] {
  return columnBuffers(columns);
}

export function unpackLog(packed: PackedLog): RecoveredLog {
  const { columns, removedRows, marks, removedSpaces, highestAcceptedMs, filesWalked, findings, findingCount } = packed;
  const nextRows = new Map(marks.nextRows);
  const slices = new Map<number, PositionColumns>();
  for (let from = 0, at = 1; at <= columns.space.length; at++) {
    if (at < columns.space.length && columns.space[at] === columns.space[from]) continue;
    slices.set(columns.space[from] ?? 0, sliceColumns(columns, from, at));
    from = at;
  }
  const numbers = new Set([...slices.keys(), ...nextRows.keys(), ...removedRows.keys()]);
  const none = sliceColumns(columns, 0, 0);
  const spaces = [...numbers]
    .sort((a, b) => a - b)
    .map((space) => ({
      space,
      nextRow: nextRows.get(space) ?? 0,
      positions: slices.get(space) ?? none,
      removedRows: removedRows.get(space) ?? new Uint32Array(0),
    }));
  const sessions = marks.sessions.map(([space, session, lastSeq, acceptedMs]) => ({
    space,
    session,
    lastSeq,
    acceptedMs,
  }));
  const records = columns.kind.length;
  return { spaces, removedSpaces, sessions, highestAcceptedMs, records, filesWalked, findings, findingCount };
}

function joined(parts: readonly Uint32Array[]): Uint32Array {
  const rows = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    rows.set(part, at);
    at += part.length;
  }
  return rows;
}

/** Offset in its file of row `at`. */
export function offsetAt(columns: PositionColumns, at: number): number {
  return (columns.place[at] ?? 0) * PLACE_BYTES;
}
