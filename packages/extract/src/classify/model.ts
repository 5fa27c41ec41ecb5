/** The learned part of extraction as one piece of bytes: lexicons, then the trees of both stages. Written by scripts/training. */
import { MillraceError } from "@millrace/core";
import { type Lexicon, NAME_BUCKETS, PAGE_BUCKETS, TEXT_BUCKETS } from "./lexicon.ts";
import { PAGE_TYPES } from "./lexicon-scores.ts";
import { LEAF, type Trees } from "./trees.ts";

export type Model = {
  readonly lexicon: Lexicon;
  readonly first: Trees;
  readonly second: Trees;
  /** Power that scores are raised to before blocks are chosen, by page type: above 1 keeps less. */
  readonly powers: Float32Array;
  /** Columns the trees were trained on; the features must have as many. */
  readonly firstColumns: number;
  readonly secondColumns: number;
};

/** "MRX2" */
const MAGIC = 0x3258524d;

/** Reads a model; throws `unreadable_document` for bytes that are none. */
export function loadModel(bytes: Uint8Array): Model {
  const reader = new ModelReader(bytes);
  if (reader.u32() !== MAGIC)
    throw new MillraceError(
      "unreadable_document",
      `${bytes.length} bytes are no extraction model; make one with scripts/training`,
    );
  const firstColumns = reader.u32();
  const secondColumns = reader.u32();
  const names = reader.quantized(NAME_BUCKETS);
  const text = reader.quantized(TEXT_BUCKETS);
  const page = PAGE_TYPES.map(() => reader.quantized(PAGE_BUCKETS));
  const pageBias = Float32Array.from(PAGE_TYPES, () => reader.f32());
  const powers = Float32Array.from(PAGE_TYPES, () => reader.f32());
  const lexicon = { names, text, page, pageBias };
  return { lexicon, first: reader.trees(), second: reader.trees(), powers, firstColumns, secondColumns };
}

class ModelReader {
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  f32(): number {
    this.#at += 4;
    return this.#view.getFloat32(this.#at - 4, true);
  }

  u16(): number {
    this.#at += 2;
    return this.#view.getUint16(this.#at - 2, true);
  }

  /** A scale, then one signed byte a weight. */
  quantized(count: number): Float32Array {
    const scale = this.f32();
    const from = this.#at;
    this.#at += count;
    return Float32Array.from({ length: count }, (_, at) => Math.fround(this.#view.getInt8(from + at) * scale));
  }

  /** Base, number of trees, each tree's number of nodes; then columns, left children and values of all nodes. */
  trees(): Trees {
    const base = this.f32();
    const roots = new Int32Array(this.u32());
    let count = 0;
    for (let tree = 0; tree < roots.length; tree++) {
      roots[tree] = count;
      count += this.u16();
    }
    const nodes = new Int32Array(count);
    const values = new Float32Array(count);
    for (let at = 0; at < count; at++) {
      const column = this.u16();
      nodes[at] = (this.u16() << 16) | (column & LEAF);
    }
    for (let at = 0; at < count; at++) values[at] = this.f32();
    return { base, roots, nodes, values };
  }
}
