/**
 * Known names found by hash, without slicing the page: FNV-1a over lower-cased UTF-16 units with a basis under which no two names
 * share a slot, so one look and one comparison decide. The kernel is given the same tables.
 */
import { ATTRIBUTES, TAGS } from "./tokens.ts";

/** Bits of a slot's number: of 4,096 slots, 180 names collide seldom enough that a free basis is found within some dozen tries. */
const SLOT_BITS = 12;
export const SLOT_SHIFT = 32 - SLOT_BITS;
export const FNV_PRIME = 0x01000193;
/** Every name has a row of this many bytes, by id; what is left of it is 0. */
export const NAME_BYTES = 16;
const BASIS_TRIES_MAX = 100_000;

export type NameTable = {
  /** What the hash of a name starts with. */
  readonly basis: number;
  /** Slot (the hash's top bits) to id; 0 is empty. */
  readonly slots: Uint8Array;
  /** Rows of `NAME_BYTES`, by id. */
  readonly names: Uint8Array;
  /** Length of a name by id. */
  readonly lengths: Uint8Array;
};

/** The hash of lower-case ASCII: what the tokenizers compute unit by unit. */
export function hashName(name: string, basis: number): number {
  let hash = basis;
  for (let at = 0; at < name.length; at++) hash = Math.imul(hash ^ name.charCodeAt(at), FNV_PRIME);
  return hash;
}

function slotsOf(names: readonly string[], basis: number): Uint8Array | undefined {
  const slots = new Uint8Array(1 << SLOT_BITS);
  for (const [at, name] of names.entries()) {
    const slot = hashName(name, basis) >>> SLOT_SHIFT;
    if (slots[slot] !== 0) return undefined;
    slots[slot] = at + 1;
  }
  return slots;
}

function createNameTable(list: readonly string[]): NameTable {
  const names = new Uint8Array((list.length + 1) * NAME_BYTES);
  const lengths = new Uint8Array(list.length + 1);
  for (const [at, name] of list.entries()) {
    names.set(Buffer.from(name, "latin1"), (at + 1) * NAME_BYTES);
    lengths[at + 1] = name.length;
  }
  for (let basis = 1; basis < BASIS_TRIES_MAX; basis++) {
    const slots = slotsOf(list, basis);
    if (slots) return { basis, slots, names, lengths };
  }
  throw new Error(`no basis below ${BASIS_TRIES_MAX} keeps ${list.length} names apart: raise SLOT_BITS`);
}

export const TAG_TABLE: NameTable = createNameTable(TAGS);
export const ATTRIBUTE_TABLE: NameTable = createNameTable(ATTRIBUTES);
