/** What is alive in a log, kept beside it. */
import type { Rng } from "@millrace/core";
import type { LogRecord, ObservationsRecord } from "../../../src/observations/log/log-record.ts";
import type { PositionColumns } from "../../../src/observations/log/record-columns.ts";
import { recordBytes } from "../../../src/observations/log/record-header.ts";
import { observations, removals } from "./fixture.ts";

type Entry = { readonly record: ObservationsRecord; readonly alive: Set<number> };

export class Model {
  readonly #spaces = new Map<number, { nextRow: number; entries: Map<number, Entry> }>();
  #nextSpace = 5;

  /** Something to append: observations mostly, removals of half of what there is, now and then the removal of a space. */
  next(rng: Rng): LogRecord[] {
    const draw = rng();
    const spaces = [...this.spaces()];
    const space = spaces[Math.floor(rng() * spaces.length)] ?? 1;
    if (draw < 0.02 && spaces.length > 1) return [{ kind: "space-removed", space }];
    if (draw < 0.35) {
      const rows = this.#rowsOf(space).filter(() => rng() < 0.5);
      if (rows.length > 0) return [removals(rows, space)];
    }
    const into = spaces.length < 4 ? this.#nextSpace++ : space;
    const count = 1 + Math.floor(rng() * 20);
    return [observations({ space: into, firstRow: this.nextRow(into), count, dims: 40 })];
  }

  apply(records: readonly LogRecord[]): void {
    for (const record of records) {
      if (record.kind === "space-removed") this.#spaces.delete(record.space);
      else if (record.kind === "observations") this.#add(record);
      else
        for (const { alive } of this.#spaces.get(record.space)?.entries.values() ?? [])
          for (const row of record.rows) alive.delete(row);
    }
  }

  spaces(): number[] {
    return [...this.#spaces.keys()];
  }

  nextRow(space: number): number {
    return this.#spaces.get(space)?.nextRow ?? 0;
  }

  /** Rows expire: dead without a record that says so. */
  killAll(): void {
    for (const { entries } of this.#spaces.values()) for (const { alive } of entries.values()) alive.clear();
  }

  /** Records with a row that is alive. */
  alive(): ObservationsRecord[] {
    return this.#entries()
      .filter(({ alive }) => alive.size > 0)
      .map(({ record }) => record);
  }

  aliveRows({ space, firstRow }: { readonly space: number; readonly firstRow: number }): number[] {
    return [...(this.#spaces.get(space)?.entries.get(firstRow)?.alive ?? [])].sort((a, b) => a - b);
  }

  aliveCount(space: number, firstRow: number): number {
    return this.aliveRows({ space, firstRow }).length;
  }

  has(space: number, firstRow: number): boolean {
    return this.#spaces.get(space)?.entries.has(firstRow) ?? false;
  }

  liveIn(space: number, firstRow: number, count: number): number {
    return this.#rowsOf(space).filter((row) => row >= firstRow && row < firstRow + count).length;
  }

  aliveBytes(): number {
    return this.alive().reduce((sum, { vectors, meta }) => sum + recordBytes(meta.byteLength, vectors.byteLength), 0);
  }

  #add(record: ObservationsRecord): void {
    const space = this.#spaces.get(record.space) ?? { nextRow: 0, entries: new Map() };
    this.#spaces.set(record.space, space);
    const alive = new Set(Array.from({ length: record.count }, (_, at) => record.firstRow + at));
    space.entries.set(record.firstRow, { record, alive });
    space.nextRow = record.firstRow + record.count;
  }

  #entries(): Entry[] {
    return [...this.#spaces.values()].flatMap(({ entries }) => [...entries.values()]);
  }

  #rowsOf(space: number): number[] {
    return [...(this.#spaces.get(space)?.entries.values() ?? [])].flatMap(({ alive }) => [...alive]);
  }
}

/** Space and first row of each position. */
export function columnOf({ space, firstRow }: PositionColumns): (readonly [number, number])[] {
  return Array.from(space, (number, at) => [number, firstRow[at] ?? 0] as const);
}
