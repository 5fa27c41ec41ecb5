import { buffersOf } from "../columns/buffers-of.ts";
import { grown } from "../columns/grown.ts";
import { LINKS_MAX } from "./limits.ts";

const CAPACITY_MIN = 64;

/** Of one moment; copied or moved as it is. */
export type AssociationsState = {
  readonly heads: Uint32Array<ArrayBuffer>;
  readonly counts: Uint8Array<ArrayBuffer>;
  readonly targets: Uint32Array<ArrayBuffer>;
  readonly nexts: Uint32Array<ArrayBuffer>;
  readonly used: number;
  readonly free: number;
  readonly links: number;
};

/** Entry 0 is none, so that new arrays are empty lists. */
const NONE = 0;

/**
 * Which rows are linked to which, both ways: what a row names reaches it as well as the other way round. At most `LINKS_MAX` a row: its own come
 * first, and a row that many name keeps the first that did. 5 bytes for each row up to the last that is linked, 8 for each end of a link.
 */
export class Associations {
  /** Of each row, its newest entry. */
  #heads: Uint32Array<ArrayBuffer>;
  #counts: Uint8Array<ArrayBuffer>;
  #targets: Uint32Array<ArrayBuffer>;
  /** Of each entry, the next of its row, or of the free ones. */
  #nexts: Uint32Array<ArrayBuffer>;
  #used: number;
  #free: number;
  #links: number;

  constructor(state?: AssociationsState) {
    this.#heads = state?.heads ?? new Uint32Array(0);
    this.#counts = state?.counts ?? new Uint8Array(0);
    this.#targets = state?.targets ?? new Uint32Array(0);
    this.#nexts = state?.nexts ?? new Uint32Array(0);
    this.#used = state?.used ?? 1;
    this.#free = state?.free ?? NONE;
    this.#links = state?.links ?? 0;
  }

  static from({ state }: { readonly state: AssociationsState }): Associations {
    return new Associations(state);
  }

  /** What it knows, and its buffers: posted with them as transfer list it moves without a copy, and this must not be used again. */
  toTransferable(): { readonly state: AssociationsState; readonly transfer: readonly ArrayBuffer[] } {
    const state = {
      heads: this.#heads,
      counts: this.#counts,
      targets: this.#targets,
      nexts: this.#nexts,
      used: this.#used,
      free: this.#free,
      links: this.#links,
    };
    return { state, transfer: buffersOf(state) };
  }

  /** Ends of links: two for a link that both rows keep. */
  get links(): number {
    return this.#links;
  }

  get bytes(): number {
    return this.#heads.byteLength + this.#counts.byteLength + this.#targets.byteLength + this.#nexts.byteLength;
  }

  /** Links `row` to each of `targets`; a link to itself or one that is there already is passed over. Returns how many were new to `row`. */
  link(row: number, targets: ArrayLike<number>): number {
    let added = 0;
    for (let at = 0; at < targets.length; at++) {
      const target = targets[at] ?? 0;
      if (target === row || !this.#add(row, target)) continue;
      this.#add(target, row);
      added++;
    }
    return added;
  }

  /** Rows linked to `row`, the newest link first. */
  of(row: number): number[] {
    const rows: number[] = [];
    for (let entry = this.#heads[row] ?? NONE; entry !== NONE; entry = this.#nexts[entry] ?? NONE) {
      rows.push(this.#targets[entry] ?? 0);
    }
    return rows;
  }

  /** Takes out a row and the links to it that it knows of. Of rows that it knows not, the link stays until they go; who spreads passes over it. */
  remove(row: number): void {
    for (const target of this.of(row)) this.#drop(target, row);
    while ((this.#heads[row] ?? NONE) !== NONE) this.#drop(row, this.#targets[this.#heads[row] ?? NONE] ?? 0);
  }

  #add(row: number, target: number): boolean {
    if (row >= this.#heads.length) this.#growRows(row + 1);
    const count = this.#counts[row] ?? 0;
    if (count === LINKS_MAX) return false;
    const head = this.#heads[row] ?? NONE;
    for (let entry = head; entry !== NONE; entry = this.#nexts[entry] ?? NONE) {
      if (this.#targets[entry] === target) return false;
    }
    const entry = this.#takeEntry();
    this.#targets[entry] = target;
    this.#nexts[entry] = head;
    this.#heads[row] = entry;
    this.#counts[row] = count + 1;
    this.#links++;
    return true;
  }

  #drop(row: number, target: number): void {
    let before = NONE;
    let entry = this.#heads[row] ?? NONE;
    while (entry !== NONE && this.#targets[entry] !== target) {
      before = entry;
      entry = this.#nexts[entry] ?? NONE;
    }
    if (entry === NONE) return;
    const next = this.#nexts[entry] ?? NONE;
    if (before === NONE) this.#heads[row] = next;
    else this.#nexts[before] = next;
    this.#nexts[entry] = this.#free;
    this.#free = entry;
    this.#counts[row] = (this.#counts[row] ?? 0) - 1;
    this.#links--;
  }

  #takeEntry(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.#nexts[free] ?? NONE;
      return free;
    }
    if (this.#used >= this.#targets.length) {
      const length = Math.max(CAPACITY_MIN, this.#targets.length * 2);
      this.#targets = grown(this.#targets, length);
      this.#nexts = grown(this.#nexts, length);
    }
    return this.#used++;
  }

  #growRows(rows: number): void {
    const length = Math.max(CAPACITY_MIN, rows, this.#heads.length * 2);
    this.#heads = grown(this.#heads, length);
    this.#counts = grown(this.#counts, length);
  }
}
