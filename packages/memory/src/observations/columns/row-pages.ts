import { setBit, setRange } from "./bitmap.ts";
import { PAGE_ROWS } from "./limits.ts";
import { FLAGS, type RowNumbers, RowPage, type RowPageState } from "./row-page.ts";

const PAGE_SHIFT = Math.log2(PAGE_ROWS);
const IN_PAGE = PAGE_ROWS - 1;

/** Of one moment; copied or moved as it is. */
export type RowPagesState = { readonly pages: readonly (RowPageState | undefined)[]; readonly rows: number };

/** The rows of a space in pages, so that they grow without being copied and a page of which nothing is left is given back. */
export class RowPages {
  readonly #pages: (RowPage | undefined)[];
  #rows: number;

  constructor(state?: RowPagesState) {
    this.#pages = (state?.pages ?? []).map((page) => page && new RowPage(page));
    this.#rows = state?.rows ?? 0;
  }

  get state(): RowPagesState {
    return { pages: this.#pages.map(toState), rows: this.#rows };
  }

  /** Rows ever used: the next is this one, or above. */
  get rows(): number {
    return this.#rows;
  }

  get bytes(): number {
    return this.#pages.reduce((bytes, page) => bytes + (page?.bytes ?? 0), 0);
  }

  /** The greatest numbers of any row in the pages there are; O(pages). Shares in steps; without rows 0, and −infinity for times. */
  get maxima(): { readonly whenMs: number; readonly confidence: number; readonly importance: number } {
    let whenMs = Number.NEGATIVE_INFINITY;
    let confidence = 0;
    let importance = 0;
    for (const page of this.#pages) {
      if (!page) continue;
      whenMs = Math.max(whenMs, page.whenMax);
      confidence = Math.max(confidence, page.confidenceMax);
      importance = Math.max(importance, page.importanceMax);
    }
    return { whenMs, confidence, importance };
  }

  /** `row` is not below `rows`; those between are gaps. */
  append(row: number, numbers: RowNumbers): void {
    const index = row >>> PAGE_SHIFT;
    if (this.#rows <= row - (row & IN_PAGE) && row > 0) this.#closeBefore(index);
    let page = this.#pages[index];
    if (!page) {
      page = new RowPage();
      this.#pages[index] = page;
    }
    page.append(row & IN_PAGE, numbers);
    this.#rows = row + 1;
  }

  /** The page that has the row, and where; undefined when the page was given back or the row never used. */
  pageOf(row: number): RowPage | undefined {
    return row < this.#rows ? this.#pages[row >>> PAGE_SHIFT] : undefined;
  }

  isLive(row: number): boolean {
    return this.pageOf(row)?.isLive(row & IN_PAGE) === true;
  }

  /** Whether the row is there, or was and some generation still has it. */
  isHeld(row: number): boolean {
    const page = this.pageOf(row);
    return page?.flag(row & IN_PAGE, FLAGS.given) === true && !page.flag(row & IN_PAGE, FLAGS.final);
  }

  flag(row: number, flag: number): boolean {
    return this.pageOf(row)?.flag(row & IN_PAGE, flag) === true;
  }

  clearFlag(row: number, flag: number): void {
    this.pageOf(row)?.clearFlag(row & IN_PAGE, flag);
  }

  remove(row: number): void {
    this.pageOf(row)?.remove(row & IN_PAGE);
  }

  /** After `remove`: gives the row up for good, and its page with the last of it. */
  finish(row: number): void {
    const page = this.pageOf(row);
    page?.finish(row & IN_PAGE);
    if (page?.isSpent) this.#pages[row >>> PAGE_SHIFT] = undefined;
  }

  /** Sets the bits of the rows below `beforeRow` that are there; overwrites the bitmap. */
  copyLive(bitmap: Uint8Array, beforeRow: number): void {
    this.#forEach(beforeRow, (page, first) => bitmap.set(page.live.subarray(0, bitmap.length - first / 8), first / 8));
  }

  /** Rows whose `whenMs` is from `fromMs` (included) to `untilMs` (not included). */
  markWhen(bitmap: Uint8Array, beforeRow: number, { fromMs, untilMs }: { fromMs: number; untilMs: number }): void {
    this.#forEach(beforeRow, (page, first, rows) => {
      if (page.whenMin >= untilMs || page.whenMax < fromMs) return;
      if (page.whenMin >= fromMs && page.whenMax < untilMs) {
        setRange(bitmap, first, first + rows);
        return;
      }
      const { whenMs } = page;
      for (let at = 0; at < rows; at++) {
        const when = whenMs[at] ?? 0;
        if (when >= fromMs && when < untilMs) setBit(bitmap, first + at);
      }
    });
  }

  /** Rows whose confidence or importance is at least `minSteps`. */
  markShare(
    bitmap: Uint8Array,
    beforeRow: number,
    { of, minSteps }: { of: "confidence" | "importance"; minSteps: number },
  ): void {
    this.#forEach(beforeRow, (page, first, rows) => {
      const steps = page[of];
      for (let at = 0; at < rows; at++) if ((steps[at] ?? 0) >= minSteps) setBit(bitmap, first + at);
    });
  }

  markHasText(bitmap: Uint8Array, beforeRow: number): void {
    this.#forEach(beforeRow, (page, first, rows) => {
      const { flags } = page;
      for (let at = 0; at < rows; at++) if (((flags[at] ?? 0) & FLAGS.hasText) !== 0) setBit(bitmap, first + at);
    });
  }

  /** Gaps that run past the end of a page make it full, and those that nothing was ever in are never made. */
  #closeBefore(index: number): void {
    const last = (this.#rows - 1) >>> PAGE_SHIFT;
    const page = this.#rows > 0 ? this.#pages[last] : undefined;
    page?.skipTo(PAGE_ROWS);
    if (page?.isSpent) this.#pages[last] = undefined;
    // Pages that are left out stand as undefined, not as holes, which structured clone and arrays of objects handle badly.
    while (this.#pages.length < index) this.#pages.push(undefined);
  }

  #forEach(beforeRow: number, visit: (page: RowPage, first: number, rows: number) => void): void {
    for (let index = 0; index * PAGE_ROWS < beforeRow; index++) {
      const first = index * PAGE_ROWS;
      const page = this.#pages[index];
      if (page) visit(page, first, Math.min(page.rows, beforeRow - first));
    }
  }
}

function toState(page: RowPage | undefined): RowPageState | undefined {
  if (!page) return undefined;
  const { whenMs, acceptedMs, confidence, importance, flags, live, rows, held } = page;
  const { whenMin, whenMax, confidenceMax, importanceMax } = page;
  const numbers = { whenMs, acceptedMs, confidence, importance, flags, live, rows, held };
  return { ...numbers, whenMin, whenMax, confidenceMax, importanceMax };
}
