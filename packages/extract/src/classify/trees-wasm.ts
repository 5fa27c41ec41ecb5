/** The walk through boosted trees in WebAssembly: eight trees at once, no branch a step. The same scores, bit for bit, as `scoreRows`. */
import { treesBase64 } from "./compiled.ts";
import { type Exit, exitScore, isSure, LEAF, logistic, type Rows, type Trees } from "./trees.ts";

/** Rows that are copied into the kernel's memory at once. */
const ROWS_MAX = 64;
const WASM_PAGE_BYTES = 65_536;
/** The kernel's own memory begins behind what the compiler may use. */
const ROOTS_AT = 1_024;
const NODE_BYTES = 8;
/** Columns and children that a node's 16 bits can name. */
const OFFSET_MAX = 0xffff;

type Exports = {
  readonly addTrees: (
    roots: number,
    count: number,
    values: number,
    active: number,
    margins: number,
    rows: number,
  ) => void;
};

/** What is used of the global `WebAssembly`, which Node's types lack. */
type WasmApi = {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { readonly initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
};

const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly?: WasmApi };
let module: object | undefined;

/** Trees in a memory of their own, with room for some rows. */
export class TreesKernel {
  readonly #trees: Trees;
  readonly #stride: number;
  readonly #exports: Exports;
  readonly #valuesFrom: number;
  readonly #active: Uint32Array;
  readonly #margins: Float64Array;
  readonly #rows: Float32Array;
  /** Index in the chunk of each row that is still walked. */
  readonly #open = new Uint8Array(ROWS_MAX);

  constructor(api: WasmApi, trees: Trees, stride: number) {
    const { roots, nodes } = trees;
    const nodesAt = aligned(ROOTS_AT + 4 * roots.length);
    const valuesAt = nodesAt + NODE_BYTES * nodes.length;
    const marginsAt = aligned(valuesAt + 4 * nodes.length);
    const activeAt = marginsAt + 8 * ROWS_MAX;
    const rowsAt = activeAt + 4 * ROWS_MAX;
    const bytes = rowsAt + 4 * stride * ROWS_MAX;
    const memory = new api.Memory({ initial: Math.ceil(bytes / WASM_PAGE_BYTES) });
    module ??= new api.Module(Buffer.from(treesBase64, "base64"));
    this.#exports = new api.Instance(module, { env: { memory } }).exports as Exports;
    this.#trees = trees;
    this.#stride = stride;
    this.#valuesFrom = valuesAt - nodesAt / 2;
    this.#active = new Uint32Array(memory.buffer, activeAt, ROWS_MAX);
    this.#margins = new Float64Array(memory.buffer, marginsAt, ROWS_MAX);
    this.#rows = new Float32Array(memory.buffer, rowsAt, stride * ROWS_MAX);
    new Uint32Array(memory.buffer, ROOTS_AT, roots.length).set(roots.map((root) => nodesAt + NODE_BYTES * root));
    new Float32Array(memory.buffer, valuesAt, nodes.length).set(trees.values);
    packNodes(trees, new DataView(memory.buffer, nodesAt));
  }

  /** Undefined where the kernel cannot run or a node has no room for these trees. */
  static create(trees: Trees, stride: number): TreesKernel | undefined {
    return wasm && fits(trees) ? new TreesKernel(wasm, trees, stride) : undefined;
  }

  get stride(): number {
    return this.#stride;
  }

  score(rows: Rows, exits: readonly Exit[]): void {
    for (let from = 0; from < rows.count; from += ROWS_MAX)
      this.#scoreChunk(rows, exits, { from, count: Math.min(ROWS_MAX, rows.count - from) });
  }

  #scoreChunk({ values, scores, sure }: Rows, exits: readonly Exit[], { from, count }: Chunk): void {
    let open = 0;
    for (let at = 0; at < count; at++) if (!isSure(scores[from + at] as number, sure)) this.#open[open++] = at;
    if (open === 0) return;
    this.#rows.set(values.subarray(from * this.#stride, (from + count) * this.#stride));
    for (let at = 0; at < open; at++) {
      this.#active[at] = this.#rows.byteOffset + 4 * this.#stride * (this.#open[at] as number);
      this.#margins[at] = this.#trees.base;
    }
    let tree = 0;
    for (const exit of exits) {
      const end = Math.min(exit.trees, this.#trees.roots.length);
      this.#add(tree, end, open);
      tree = end;
      open = this.#letGo(scores.subarray(from), exit, open);
    }
    this.#add(tree, this.#trees.roots.length, open);
    for (let at = 0; at < open; at++) scores[from + (this.#open[at] as number)] = logistic(this.#margins[at] as number);
  }

  #add(from: number, to: number, rows: number): void {
    if (rows === 0 || to <= from) return;
    const { byteOffset: active } = this.#active;
    const { byteOffset: margins } = this.#margins;
    this.#exports.addTrees(ROOTS_AT + 4 * from, to - from, this.#valuesFrom, active, margins, rows);
  }

  /** Scores the rows that leave at `exit` and gives how many stay; they move to the front. */
  #letGo(scores: Float32Array, exit: Exit, open: number): number {
    let left = 0;
    for (let at = 0; at < open; at++) {
      const row = this.#open[at] as number;
      const margin = this.#margins[at] as number;
      const score = exitScore(margin, exit);
      if (score > 0) scores[row] = score;
      else {
        this.#open[left] = row;
        this.#active[left] = this.#active[at] as number;
        this.#margins[left++] = margin;
      }
    }
    return left;
  }
}

type Chunk = { readonly from: number; readonly count: number };

function aligned(bytes: number): number {
  return Math.ceil(bytes / 16) * 16;
}

/** Calls with each node, its column (`LEAF` for a leaf) and the distance to its left child. */
function eachNode({ roots, nodes }: Trees, call: (at: number, column: number, distance: number) => void): void {
  for (let tree = 0; tree < roots.length; tree++) {
    const root = roots[tree] as number;
    const end = tree + 1 < roots.length ? (roots[tree + 1] as number) : nodes.length;
    for (let at = root; at < end; at++) {
      const node = nodes[at] as number;
      call(at, node & LEAF, root + (node >>> 16) - at);
    }
  }
}

function fits(trees: Trees): boolean {
  let isFitting = true;
  eachNode(trees, (_, column, distance) => {
    if (column === LEAF) return;
    if (4 * column > OFFSET_MAX || distance <= 0 || NODE_BYTES * distance > OFFSET_MAX) isFitting = false;
  });
  return isFitting;
}

function packNodes(trees: Trees, view: DataView): void {
  eachNode(trees, (at, column, distance) => {
    const isLeaf = column === LEAF;
    const packed = isLeaf ? 0 : ((NODE_BYTES * distance) << 16) | (4 * column);
    view.setInt32(NODE_BYTES * at, packed, true);
    view.setFloat32(NODE_BYTES * at + 4, isLeaf ? Infinity : (trees.values[at] as number), true);
  });
}
