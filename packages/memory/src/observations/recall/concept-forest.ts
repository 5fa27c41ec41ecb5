import { FOREST_PAGE_ROWS, GROUPING_ROWS } from "./limits.ts";

/** Similarities are summed as whole millionths, so that no sum depends on the order of its parts. */
const MILLIONTHS = 1_000_000;
const IN_PAGE = FOREST_PAGE_ROWS - 1;
const PAGE_SHIFT = Math.log2(FOREST_PAGE_ROWS);

type Page = {
  /** The row above, and one; 0: never joined. */
  readonly parents: Uint32Array<ArrayBuffer>;
  /** Of a root, the rows of its group. */
  readonly sizes: Uint32Array<ArrayBuffer>;
  /** Of each row, its similarities to those it was joined with. */
  readonly likeness: Float64Array<ArrayBuffer>;
};

/** Of one moment: pages of rows, those without a neighbour left out. */
export type ForestState = readonly (Page | undefined)[];

export type Group = { readonly representative: number; readonly members: readonly number[] };

type Growing = { readonly members: number[]; representative: number; likeness: number };

/**
 * Union-find over rows, by size with path halving (Tarjan and van Leeuwen 1984): nearly O(1) a join. In pages by row, 16 bytes a row, so that it
 * grows without a pause and groups come out in order.
 */
export class ConceptForest {
  readonly #pages: (Page | undefined)[];

  /** Empty, or as in a state, which it copies. */
  constructor(state: ForestState = []) {
    this.#pages = state.map(
      (page) => page && { parents: page.parents.slice(), sizes: page.sizes.slice(), likeness: page.likeness.slice() },
    );
  }

  /** A view, which changes with it. */
  get state(): ForestState {
    return this.#pages;
  }

  join(row: number, other: number, similarity: number): void {
    const likeness = Math.round(similarity * MILLIONTHS);
    this.#enter(row, likeness);
    this.#enter(other, likeness);
    const a = this.#rootOf(row);
    const b = this.#rootOf(other);
    if (a === b) return;
    const isLarger = this.#sizeAt(a) >= this.#sizeAt(b);
    const root = isLarger ? a : b;
    const size = this.#sizeAt(a) + this.#sizeAt(b);
    this.#setParent(isLarger ? b : a, root);
    const page = this.#pages[root >>> PAGE_SHIFT];
    if (page) page.sizes[root & IN_PAGE] = size;
  }

  /** Rows of the group that has `row`; 1 when it was never joined. */
  sizeOf(row: number): number {
    return this.#parentOf(row) === undefined ? 1 : this.#sizeAt(this.#rootOf(row));
  }

  /** Members in order of row, groups in order of their lowest; yields after each `GROUPING_ROWS` rows. */
  *groups(): Generator<void, readonly Group[]> {
    const groups: Growing[] = [];
    /** By root, its group and one. */
    const groupOf: Uint32Array[] = this.#pages.map((page) => new Uint32Array(page ? FOREST_PAGE_ROWS : 0));
    for (const [index, page] of this.#pages.entries()) {
      for (let at = 0; page && at < FOREST_PAGE_ROWS; at++) {
        if (at % GROUPING_ROWS === 0) yield;
        if (page.parents[at] === 0) continue;
        const row = index * FOREST_PAGE_ROWS + at;
        const root = this.#rootOf(row);
        const ofPage = groupOf[root >>> PAGE_SHIFT] ?? new Uint32Array(0);
        const known = ofPage[root & IN_PAGE] ?? 0;
        if (known === 0) {
          ofPage[root & IN_PAGE] = groups.push({
            members: [row],
            representative: row,
            likeness: page.likeness[at] ?? 0,
          });
        } else addTo(groups[known - 1], row, page.likeness[at] ?? 0);
      }
    }
    return groups;
  }

  #enter(row: number, likeness: number): void {
    const index = row >>> PAGE_SHIFT;
    while (this.#pages.length <= index) this.#pages.push(undefined);
    const page = this.#pages[index] ?? emptyPage();
    this.#pages[index] = page;
    const at = row & IN_PAGE;
    page.likeness[at] = (page.likeness[at] ?? 0) + likeness;
    if (page.parents[at] !== 0) return;
    page.parents[at] = row + 1;
    page.sizes[at] = 1;
  }

  #rootOf(row: number): number {
    let at = row;
    for (let parent = this.#parentOf(at) ?? at; parent !== at; parent = this.#parentOf(at) ?? at) {
      const above = this.#parentOf(parent) ?? parent;
      this.#setParent(at, above);
      at = above;
    }
    return at;
  }

  #parentOf(row: number): number | undefined {
    const stored = this.#pages[row >>> PAGE_SHIFT]?.parents[row & IN_PAGE] ?? 0;
    return stored === 0 ? undefined : stored - 1;
  }

  #setParent(row: number, parent: number): void {
    const page = this.#pages[row >>> PAGE_SHIFT];
    if (page) page.parents[row & IN_PAGE] = parent + 1;
  }

  #sizeAt(row: number): number {
    return this.#pages[row >>> PAGE_SHIFT]?.sizes[row & IN_PAGE] ?? 0;
  }
}

function addTo(group: Growing | undefined, row: number, likeness: number): void {
  if (!group) return;
  group.members.push(row);
  if (likeness <= group.likeness) return;
  group.representative = row;
  group.likeness = likeness;
}

function emptyPage(): Page {
  return {
    parents: new Uint32Array(FOREST_PAGE_ROWS),
    sizes: new Uint32Array(FOREST_PAGE_ROWS),
    likeness: new Float64Array(FOREST_PAGE_ROWS),
  };
}
