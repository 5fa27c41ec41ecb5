/**
 * The exact nearest rows by brute force, in f64: what recall is measured against. Shares no code with the index.
 * The dot products of 4 queries and 2 rows are summed at once, so that a number is fetched once for several of them; each sum still runs
 * over the dimensions in order, so a product is the same to the last bit whatever else is computed beside it.
 */
import { assert } from "@millrace/core";

/** Rows converted to f64 at a time: 64 × 768 numbers stay in the L2 cache. */
const BLOCK_ROWS = 64;
const TILE_QUERIES = 4;
const TILE_ROWS = 2;

export type ExactMetric = "cosine" | "l2" | "dot";

export type ExactSearch = {
  readonly metric: ExactMetric;
  readonly dims: number;
  /** Row after row. */
  readonly base: Float32Array;
  /** Query after query. */
  readonly query: Float32Array;
  /** Ids per query, at most as many as there are rows. */
  readonly k: number;
};

/**
 * k ids per query, best first; of two rows that are equally near the lower id first. O(rows × queries × dims), about 0.4 ns each.
 * A zero vector has cosine 0 to everything.
 */
export function exactNearest({ metric, dims, base, query, k }: ExactSearch): Int32Array {
  const rows = base.length / dims;
  const queries = query.length / dims;
  assert(k <= rows, "no more neighbours than rows");
  const best = new BestRows(queries, k);
  const paddedQueries = Math.ceil(queries / TILE_QUERIES) * TILE_QUERIES;
  const queries64 = new Float64Array(paddedQueries * dims);
  queries64.set(query);
  const block = new Float64Array(BLOCK_ROWS * dims);
  const products = new Float64Array(TILE_QUERIES * TILE_ROWS);
  for (let start = 0; start < rows; start += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, rows - start);
    block.fill(0).set(base.subarray(start * dims, (start + count) * dims));
    const scores = scoreOf(metric, squaresOf(block, dims));
    for (let from = 0; from < queries; from += TILE_QUERIES) {
      for (let row = 0; row < count; row += TILE_ROWS) {
        multiplyTile({ queries: queries64, block, dims, products }, from * dims, row * dims);
        for (let at = 0; at < TILE_QUERIES * TILE_ROWS; at++) {
          const ofQuery = from + (at >> 1);
          const ofRow = row + (at & 1);
          if (ofQuery >= queries || ofRow >= count) continue;
          best.offer(ofQuery, start + ofRow, scores(products[at] ?? 0, ofRow));
        }
      }
    }
  }
  return best.ids;
}

/** Larger is nearer; for one query only, since what depends on the query alone is left out. */
function scoreOf(metric: ExactMetric, squares: Float64Array): (product: number, row: number) => number {
  if (metric === "dot") return (product) => product;
  if (metric === "l2") return (product, row) => 2 * product - (squares[row] ?? 0);
  return (product, row) => (squares[row] === 0 ? 0 : product / Math.sqrt(squares[row] ?? 1));
}

function squaresOf(block: Float64Array, dims: number): Float64Array {
  const squares = new Float64Array(block.length / dims);
  for (let row = 0; row < squares.length; row++) {
    let sum = 0;
    for (let at = row * dims; at < (row + 1) * dims; at++) sum += (block[at] ?? 0) ** 2;
    squares[row] = sum;
  }
  return squares;
}

type Tile = {
  readonly queries: Float64Array;
  readonly block: Float64Array;
  readonly dims: number;
  readonly products: Float64Array;
};

/** Dot products of 4 queries from `query` on with 2 rows from `row` on: query 0 row 0, query 0 row 1, query 1 row 0 … */
function multiplyTile({ queries, block, dims, products }: Tile, query: number, row: number): void {
  let [a0, a1, b0, b1, c0, c1, d0, d1] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let at = 0; at < dims; at++) {
    const first = block[row + at] ?? 0;
    const second = block[row + dims + at] ?? 0;
    const a = queries[query + at] ?? 0;
    const b = queries[query + dims + at] ?? 0;
    const c = queries[query + 2 * dims + at] ?? 0;
    const d = queries[query + 3 * dims + at] ?? 0;
    a0 += a * first;
    a1 += a * second;
    b0 += b * first;
    b1 += b * second;
    c0 += c * first;
    c1 += c * second;
    d0 += d * first;
    d1 += d * second;
  }
  products[0] = a0;
  products[1] = a1;
  products[2] = b0;
  products[3] = b1;
  products[4] = c0;
  products[5] = c1;
  products[6] = d0;
  products[7] = d1;
}

/** The k best rows of each query, sorted. Rows are offered in order of their ids, so of equals the lower id stays first. */
class BestRows {
  readonly ids: Int32Array;
  readonly #scores: Float64Array;
  readonly #counts: Int32Array;
  readonly #k: number;

  constructor(queries: number, k: number) {
    this.ids = new Int32Array(queries * k).fill(-1);
    this.#scores = new Float64Array(queries * k);
    this.#counts = new Int32Array(queries);
    this.#k = k;
  }

  offer(query: number, row: number, score: number): void {
    const start = query * this.#k;
    const count = this.#counts[query] ?? 0;
    const isFull = count === this.#k;
    if (isFull && score <= (this.#scores[start + count - 1] ?? 0)) return;
    if (!isFull) this.#counts[query] = count + 1;
    let at = start + (isFull ? count - 1 : count);
    for (; at > start && (this.#scores[at - 1] ?? 0) < score; at--) {
      this.#scores[at] = this.#scores[at - 1] ?? 0;
      this.ids[at] = this.ids[at - 1] ?? 0;
    }
    this.#scores[at] = score;
    this.ids[at] = row;
  }
}
