/** Rows of one space that records in the log have, dead or alive: what a record of their removal is still needed for. */
export class RowRanges {
  readonly #firstRows: number[] = [];
  readonly #ends: number[] = [];
  readonly #isThere: boolean[] = [];
  #isAscending = true;

  add(firstRow: number, count: number): void {
    this.#isAscending &&= firstRow >= (this.#ends.at(-1) ?? 0);
    this.#firstRows.push(firstRow);
    this.#ends.push(firstRow + count);
    this.#isThere.push(true);
  }

  /** Says whether the record that has the row is in the log. */
  set(row: number, isThere: boolean): void {
    const at = this.#find(row);
    if (at >= 0) this.#isThere[at] = isThere;
  }

  /** Whether a record with this row is there; true when it cannot be told. */
  has(row: number): boolean {
    if (!this.#isAscending) return true;
    const at = this.#find(row);
    return at >= 0 && row < (this.#ends[at] ?? 0) && this.#isThere[at] === true;
  }

  /** The last that begins at or before the row, -1 for none. */
  #find(row: number): number {
    let low = 0;
    let high = this.#firstRows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#firstRows[middle] ?? 0) <= row) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
