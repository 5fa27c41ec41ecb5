import { type Concept, consolidate, type Neighbour } from "../recall/consolidate.ts";
import { keyOf } from "./concept-key.ts";
import { COMPARED_ROWS, CONCEPT_MEMBERS_LISTED, GROUP_ROWS, SIMILARITY_ROUNDING } from "./limits.ts";
import { NeighbourReader } from "./neighbour-list.ts";
import type { Grouped, GroupWork, VectorRows } from "./work.ts";

/** Rows that are there, by the lists of `pages`; what was removed takes no part, whatever it once tied together. */
export function* groupRows(rows: VectorRows, { pages, at, wantsSurplus }: GroupWork): Generator<void, Grouped> {
  const lists = new LiveLists(rows, pages);
  const steps = consolidate({
    ...{ rows: lists.rows(), at, budget: GROUP_ROWS },
    neighboursOf: () => lists.neighbours(),
  });
  let step = steps.next();
  for (; !step.done; step = steps.next()) yield;
  const packed = new PackedConcepts(step.value);
  const surplus: number[] = [];
  for (const [place, concept] of step.value.entries()) {
    packed.put(place, concept);
    yield;
    if (wantsSurplus && concept.kind === "duplicate") yield* findSurplus(rows, { concept, at: at.duplicate, surplus });
  }
  return { ...packed.take(), surplus: Uint32Array.from(surplus), deadPages: lists.deadPages };
}

/** The current list is that of the row given out last. */
class LiveLists {
  readonly #rows: VectorRows;
  readonly #pages: readonly Uint32Array[];
  #reader = new NeighbourReader(new Uint32Array(0));
  /** Pages without a row that is there. */
  readonly deadPages: number[] = [];

  constructor(rows: VectorRows, pages: readonly Uint32Array[]) {
    this.#rows = rows;
    this.#pages = pages;
  }

  *rows(): Generator<number> {
    for (const [page, words] of this.#pages.entries()) {
      this.#reader = new NeighbourReader(words);
      let live = 0;
      while (this.#reader.next()) {
        if (!this.#rows.isLive(this.#reader.row)) continue;
        live++;
        yield this.#reader.row;
      }
      if (live === 0) this.deadPages.push(page);
    }
  }

  *neighbours(): Generator<Neighbour> {
    const reader = this.#reader;
    for (let place = 0; place < reader.count; place++) {
      const row = reader.neighbour(place);
      if (this.#rows.isLive(row)) yield { row, similarity: reader.similarity(place) };
    }
  }
}

class PackedConcepts {
  readonly #keys: Float64Array;
  readonly #representatives: Uint32Array;
  readonly #counts: Uint32Array;
  readonly #digests: Float64Array;
  readonly #starts: Uint32Array;
  #members: Uint32Array;
  #length = 0;

  constructor({ length }: readonly Concept[]) {
    this.#members = new Uint32Array(2 * length);
    this.#keys = new Float64Array(length);
    this.#representatives = new Uint32Array(length);
    this.#counts = new Uint32Array(length);
    this.#digests = new Float64Array(length);
    this.#starts = new Uint32Array(length + 1);
  }

  put(place: number, { kind, representative, members }: Concept): void {
    this.#keys[place] = keyOf(kind, members[0] ?? 0);
    this.#representatives[place] = representative;
    this.#counts[place] = members.length;
    this.#digests[place] = digestOf(representative, members);
    const listed = members.slice(0, CONCEPT_MEMBERS_LISTED);
    this.#room(listed.length);
    this.#members.set(listed, this.#length);
    this.#length += listed.length;
    this.#starts[place + 1] = this.#length;
  }

  take(): Omit<Grouped, "surplus" | "deadPages"> {
    return {
      keys: this.#keys,
      representatives: this.#representatives,
      counts: this.#counts,
      digests: this.#digests,
      starts: this.#starts,
      members: this.#members.slice(0, this.#length),
    };
  }

  #room(members: number): void {
    if (this.#length + members <= this.#members.length) return;
    const grown = new Uint32Array(2 * (this.#length + members));
    grown.set(this.#members);
    this.#members = grown;
  }
}

/** Two lanes of multiply and shift; objects of a cryptographic hash, one a concept, would stop the thread for their collection (measured). */
function digestOf(representative: number, members: readonly number[]): number {
  let low = representative;
  let high = ~representative;
  for (const member of members) {
    low = Math.imul(low ^ member, 0x9e3779b1);
    low ^= low >>> 15;
    high = Math.imul(high + member, 0x85ebca77);
    high ^= high >>> 13;
  }
  return (high >>> 0) * 2 ** 20 + ((low >>> 0) & 0xf_ffff);
}

type Compared = { readonly concept: Concept; readonly at: number; readonly surplus: number[] };

/** Members as like the representative as duplicates are; a chain's far ends, which are not, stay. */
function* findSurplus(rows: VectorRows, { concept, at, surplus }: Compared): Generator<void, void> {
  const { representative, members } = concept;
  const kept = rows.vector(representative);
  for (const [place, row] of members.entries()) {
    if (place % COMPARED_ROWS === COMPARED_ROWS - 1) yield;
    const vector = row === representative ? undefined : rows.vector(row);
    if (kept && vector && dot(kept, vector) >= at - SIMILARITY_ROUNDING) surplus.push(row);
  }
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < a.length; at++) sum += (a[at] ?? 0) * (b[at] ?? 0);
  return sum;
}
