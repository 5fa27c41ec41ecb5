/** What the closed files of a log hold together, as reclaiming sees it: which record is still needed, and why. */
import { assert } from "@millrace/core";
import type { FoundFile } from "./found-file.ts";
import type { Marks } from "./mark-table.ts";
import { kindAt, type PositionColumns } from "./record-columns.ts";
import { RowRanges } from "./row-ranges.ts";

export type ReclaimFile = {
  readonly found: FoundFile;
  readonly columns: PositionColumns;
  readonly marks: Marks;
  /** Spaces of which it says anything. */
  readonly spaces: ReadonlySet<number>;
  /** Of each record of observations: how many of its rows are alive. */
  readonly live: Uint32Array;
  /** It stays as it is: something of it is damaged, or it was just written. */
  isFixed: boolean;
};

/** The file that has the last word on something. */
type Holder = { readonly value: number; file: ReclaimFile };

export function makeReclaimFile(
  found: FoundFile,
  index: { readonly columns: PositionColumns; readonly marks: Marks },
): ReclaimFile {
  const { columns, marks } = index;
  const spaces = new Set<number>([...marks.nextRows, ...marks.sessions].map(([space]) => space));
  for (let at = 0; at < columns.kind.length; at++) {
    const kind = kindAt(columns, at);
    if (kind === "observations" || kind === "removals") spaces.add(columns.space[at] ?? 0);
  }
  return { found, columns, marks, spaces, live: new Uint32Array(columns.kind.length), isFixed: false };
}

export class LogContents {
  readonly files: ReclaimFile[];
  readonly #rows = new Map<number, RowRanges>();
  /** The last removal of each space: in which file, and where in it. */
  readonly #removedAt = new Map<number, { readonly order: number; readonly at: number }>();
  readonly #sessions = new Map<number, Map<string, Holder>>();
  readonly #nextRows = new Map<number, Holder>();

  /** `files` in the order of their records. */
  constructor(files: readonly ReclaimFile[]) {
    this.files = [...files];
    for (const file of files) this.#add(file);
  }

  /** Whether the record's space was removed after it. */
  isRemoved({ found, columns }: ReclaimFile, at: number): boolean {
    const removed = this.#removedAt.get(columns.space[at] ?? 0);
    if (!removed) return false;
    return found.orderFirst < removed.order || (found.orderFirst === removed.order && at < removed.at);
  }

  /** Whether a record of observations with any of the rows is there. */
  hasAnyRow(space: number, rows: Uint32Array): boolean {
    const ranges = this.#rows.get(space);
    return ranges !== undefined && rows.some((row) => ranges.has(row));
  }

  /** A record of observations goes, or stays after all. */
  setThere({ columns }: ReclaimFile, at: number, isThere: boolean): void {
    this.#rows.get(columns.space[at] ?? 0)?.set(columns.firstRow[at] ?? 0, isThere);
  }

  /** Whether a file before this one says anything of the space. */
  isNamedBefore(space: number, { found }: ReclaimFile): boolean {
    return this.files.some((file) => file.found.orderFirst < found.orderFirst && file.spaces.has(space));
  }

  /** Marks that only these files have; sessions that ended before `forgetBeforeMs` are left out. */
  marksOnlyIn(files: readonly ReclaimFile[], forgetBeforeMs: number): Marks {
    const isHeld = (holder: Holder | undefined, value: number): boolean =>
      holder !== undefined && holder.value === value && files.includes(holder.file);
    const sessions = files.flatMap(({ marks }) =>
      marks.sessions.filter(
        ([space, session, lastSeq, acceptedMs]) =>
          acceptedMs >= forgetBeforeMs && isHeld(this.#sessions.get(space)?.get(session), lastSeq),
      ),
    );
    const nextRows = files.flatMap(({ marks }) =>
      marks.nextRows.filter(([space, nextRow]) => isHeld(this.#nextRows.get(space), nextRow)),
    );
    return { sessions, nextRows };
  }

  /** One file, or none, stands where these neighbours stood. */
  replace(files: readonly ReclaimFile[], by: ReclaimFile | undefined): void {
    const first = files[0];
    assert(first, "a file is replaced");
    this.files.splice(this.files.indexOf(first), files.length, ...(by ? [by] : []));
    if (!by) return;
    for (const holder of this.#holders()) if (files.includes(holder.file)) holder.file = by;
  }

  *#holders(): Generator<Holder> {
    yield* this.#nextRows.values();
    for (const sessions of this.#sessions.values()) yield* sessions.values();
  }

  #add(file: ReclaimFile): void {
    const { columns, marks, found } = file;
    for (let at = 0; at < columns.kind.length; at++) {
      const space = columns.space[at] ?? 0;
      const kind = kindAt(columns, at);
      if (kind === "observations") this.#rangesOf(space).add(columns.firstRow[at] ?? 0, columns.count[at] ?? 0);
      if (kind !== "space-removed") continue;
      this.#removedAt.set(space, { order: found.orderFirst, at });
      this.#sessions.delete(space);
      this.#nextRows.delete(space);
    }
    for (const [space, session, value] of marks.sessions) {
      const sessions = this.#sessions.get(space) ?? new Map<string, Holder>();
      this.#sessions.set(space, sessions);
      if (value >= (sessions.get(session)?.value ?? 0)) sessions.set(session, { value, file });
    }
    for (const [space, value] of marks.nextRows) {
      if (value >= (this.#nextRows.get(space)?.value ?? 0)) this.#nextRows.set(space, { value, file });
    }
  }

  #rangesOf(space: number): RowRanges {
    const known = this.#rows.get(space) ?? new RowRanges();
    this.#rows.set(space, known);
    return known;
  }
}
