import { assert } from "@millrace/core";

/** Slots of the smallest part; a power of two. */
const CAPACITY_MIN = 16;
const EMPTY = 0xffff_ffff;
/** Parts of a table, a power of two: each grows by itself, so that no growth takes longer than a millisecond or two. */
const PARTS = 32;
/** The part of a hash that says in which: not the low bits, which say where in it. */
const PART_SHIFT = 27;

/** Ids of a page. */
const PAGE_IDS = 1_024;
const PAGE_SHIFT = 10;
/** An id goes to a page while it is below so many times the ids there are: at worst a page is a quarter full. */
const DENSE_SPREAD = 4;
/** Ids below this count as dense however few there are: 64 KB of pages. */
const DENSE_MIN = 16_384;

/**
 * Row id → slot, both uint32, all O(1) expected. Ids that are given out one after the other lie in pages of slots, 4 bytes an id: one
 * allocation for a thousand (beside large WebAssembly memories each one costs the collector tens of microseconds, measured). Others are
 * in hash tables, which a Map of numbers would need 4–6 times over.
 */
export class IdTable {
  /** The last element of a page counts its ids. */
  readonly #pages: (Uint32Array | undefined)[] = [];
  #paged = 0;
  #pageCount = 0;
  #sparse: SparseTable | undefined;

  get size(): number {
    return this.#paged + (this.#sparse?.size ?? 0);
  }

  get bytes(): number {
    return this.#pageCount * (PAGE_IDS + 1) * 4 + (this.#sparse?.bytes ?? 0);
  }

  /** The slot of `id`, or undefined. */
  get(id: number): number | undefined {
    const slot = this.#pages[id >>> PAGE_SHIFT]?.[id & (PAGE_IDS - 1)] ?? EMPTY;
    return slot === EMPTY ? this.#sparse?.get(id) : slot;
  }

  /** `slot` must be below 2^32 − 1. */
  set(id: number, slot: number): void {
    const page = this.#pages[id >>> PAGE_SHIFT];
    const at = id & (PAGE_IDS - 1);
    if (page && page[at] !== EMPTY) page[at] = slot;
    else if (this.#sparse?.get(id) !== undefined) this.#sparse.set(id, slot);
    else if (id < DENSE_MIN + DENSE_SPREAD * this.size) this.#setPaged(id, slot);
    else {
      this.#sparse ??= new SparseTable();
      this.#sparse.set(id, slot);
    }
  }

  delete(id: number): boolean {
    const page = this.#pages[id >>> PAGE_SHIFT];
    const at = id & (PAGE_IDS - 1);
    if (!page || page[at] === EMPTY) return this.#sparse?.delete(id) ?? false;
    page[at] = EMPTY;
    this.#paged--;
    const left = (page[PAGE_IDS] ?? 0) - 1;
    page[PAGE_IDS] = left;
    if (left > 0) return true;
    this.#pages[id >>> PAGE_SHIFT] = undefined;
    this.#pageCount--;
    return true;
  }

  #setPaged(id: number, slot: number): void {
    const number = id >>> PAGE_SHIFT;
    let page = this.#pages[number];
    if (!page) {
      page = new Uint32Array(PAGE_IDS + 1).fill(EMPTY);
      page[PAGE_IDS] = 0;
      // Filled up to there, so that it stays an array without holes.
      while (this.#pages.length < number) this.#pages.push(undefined);
      this.#pages[number] = page;
      this.#pageCount++;
    }
    page[id & (PAGE_IDS - 1)] = slot;
    page[PAGE_IDS] = (page[PAGE_IDS] ?? 0) + 1;
    this.#paged++;
  }
}

/** Open addressing with linear probing in typed arrays, 8 bytes an entry at 50–100 % of the 0.7 load. Removal shifts back, so no tombstones build up. */
class SparseTable {
  readonly #parts = Array.from({ length: PARTS }, () => new IdPart());

  get size(): number {
    return this.#parts.reduce((sum, part) => sum + part.size, 0);
  }

  get bytes(): number {
    return this.#parts.reduce((sum, part) => sum + part.bytes, 0);
  }

  get(id: number): number | undefined {
    return this.#partOf(id).get(id);
  }

  set(id: number, slot: number): void {
    this.#partOf(id).set(id, slot);
  }

  delete(id: number): boolean {
    return this.#partOf(id).delete(id);
  }

  #partOf(id: number): IdPart {
    const part = this.#parts[hash(id) >>> PART_SHIFT];
    assert(part, "there is a part for each hash");
    return part;
  }
}

class IdPart {
  #keys = new Uint32Array(CAPACITY_MIN);
  #slots = new Uint32Array(CAPACITY_MIN).fill(EMPTY);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#keys.byteLength + this.#slots.byteLength;
  }

  /** The slot of `id`, or undefined. */
  get(id: number): number | undefined {
    const at = this.#find(id);
    const slot = this.#slots[at];
    return slot === EMPTY ? undefined : slot;
  }

  /** `slot` must be below 2^32 − 1. */
  set(id: number, slot: number): void {
    if ((this.#size + 1) * 10 > this.#keys.length * 7) this.#resize(this.#keys.length * 2);
    const at = this.#find(id);
    if (this.#slots[at] === EMPTY) this.#size++;
    this.#keys[at] = id;
    this.#slots[at] = slot;
  }

  delete(id: number): boolean {
    const mask = this.#keys.length - 1;
    let hole = this.#find(id);
    if (this.#slots[hole] === EMPTY) return false;
    for (let at = (hole + 1) & mask; this.#slots[at] !== EMPTY; at = (at + 1) & mask) {
      const home = hash(this.#keys[at] ?? 0) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[at] ?? 0;
      this.#slots[hole] = this.#slots[at] ?? EMPTY;
      hole = at;
    }
    this.#slots[hole] = EMPTY;
    this.#size--;
    return true;
  }

  #find(id: number): number {
    const mask = this.#keys.length - 1;
    let at = hash(id) & mask;
    while (this.#slots[at] !== EMPTY && this.#keys[at] !== id) at = (at + 1) & mask;
    return at;
  }

  #resize(capacity: number): void {
    const keys = this.#keys;
    const slots = this.#slots;
    this.#keys = new Uint32Array(capacity);
    this.#slots = new Uint32Array(capacity).fill(EMPTY);
    for (let at = 0; at < keys.length; at++) {
      const slot = slots[at] ?? EMPTY;
      if (slot === EMPTY) continue;
      const to = this.#find(keys[at] ?? 0);
      this.#keys[to] = keys[at] ?? 0;
      this.#slots[to] = slot;
    }
  }
}

/** The finaliser of MurmurHash3 (Austin Appleby, public domain): neighbouring ids must not fill neighbouring places. */
function hash(id: number): number {
  let mixed = id ^ (id >>> 16);
  mixed = Math.imul(mixed, 0x85eb_ca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}
