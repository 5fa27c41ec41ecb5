/** How far sessions and row numbers have come; outlives the records that said so. */

export type SessionMark = { readonly lastSeq: number; readonly acceptedMs: number };

/** The plain form, as it lies in files and crosses threads. */
export type Marks = {
  readonly sessions: readonly (readonly [space: number, session: string, lastSeq: number, acceptedMs: number])[];
  readonly nextRows: readonly (readonly [space: number, nextRow: number])[];
};

export class MarkTable {
  readonly #sessions = new Map<number, Map<string, SessionMark>>();
  readonly #nextRows = new Map<number, number>();

  constructor(marks?: Marks) {
    if (marks) this.merge(marks);
  }

  get sessionCount(): number {
    let count = 0;
    for (const sessions of this.#sessions.values()) count += sessions.size;
    return count;
  }

  get spaceCount(): number {
    return this.#nextRows.size;
  }

  noteSession(space: number, session: string, mark: SessionMark): void {
    const sessions = this.#sessions.get(space) ?? new Map<string, SessionMark>();
    this.#sessions.set(space, sessions);
    const known = sessions.get(session);
    if (!known || mark.lastSeq > known.lastSeq) sessions.set(session, mark);
  }

  noteRow(space: number, nextRow: number): void {
    if (nextRow > (this.#nextRows.get(space) ?? 0)) this.#nextRows.set(space, nextRow);
  }

  /** The space was removed: its numbers begin anew. */
  forget(space: number): void {
    this.#sessions.delete(space);
    this.#nextRows.delete(space);
  }

  merge(marks: Marks): void {
    for (const [space, session, lastSeq, acceptedMs] of marks.sessions) {
      this.noteSession(space, session, { lastSeq, acceptedMs });
    }
    for (const [space, nextRow] of marks.nextRows) this.noteRow(space, nextRow);
  }

  session(space: number, session: string): SessionMark | undefined {
    return this.#sessions.get(space)?.get(session);
  }

  nextRow(space: number): number {
    return this.#nextRows.get(space) ?? 0;
  }

  toMarks(): Marks {
    const sessions = [...this.#sessions].flatMap(([space, marks]) =>
      [...marks].map(([session, { lastSeq, acceptedMs }]) => [space, session, lastSeq, acceptedMs] as const),
    );
    return { sessions, nextRows: [...this.#nextRows] };
  }
}

/** Marks written by `toMarks` as JSON; undefined when they are not. */
export function parseMarks(bytes: Uint8Array): Marks | undefined {
  try {
    const { sessions, nextRows }: Marks = JSON.parse(new TextDecoder().decode(bytes));
    return Array.isArray(sessions) && Array.isArray(nextRows) ? { sessions, nextRows } : undefined;
  } catch {
    return undefined;
  }
}
