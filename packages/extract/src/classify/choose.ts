/**
 * Which blocks to keep, given how likely each is main text. What is wanted is a high word F1, so blocks are taken from the likeliest
 * down as long as the F1 that can be expected grows (Nan et al. 2012, "Optimizing F-measures"): 2 Σ p·w over the kept words and the
 * words that are likely wanted. A page whose blocks are all doubtful keeps more of them than a fixed threshold would.
 */
const INDEX_SPAN = 2 ** 20;

export class Choice {
  keep = new Uint8Array(0);
  #order = new Float64Array(0);

  /** Sets `keep` for the blocks of `scores`; `words` has `stride` figures a block, the number of its words first. */
  read(scores: Float32Array, count: number, wordsOf: (at: number) => number): Uint8Array {
    if (count > this.keep.length) {
      this.keep = new Uint8Array(Math.ceil(count * 1.25));
      this.#order = new Float64Array(Math.ceil(count * 1.25));
    }
    const order = this.#order.subarray(0, count);
    let wanted = 0;
    for (let at = 0; at < count; at++) {
      const score = scores[at] ?? 0;
      wanted += score * wordsOf(at);
      order[at] = Math.round((1 - score) * 1e8) * INDEX_SPAN + at;
    }
    order.sort();
    let gain = 0;
    let size = 0;
    let best = 0;
    let taken = 0;
    for (let rank = 0; rank < count; rank++) {
      const at = (order[rank] ?? 0) % INDEX_SPAN;
      const words = wordsOf(at);
      gain += (scores[at] ?? 0) * words;
      size += words;
      const expected = gain / (size + wanted + 1e-9);
      if (expected > best) {
        best = expected;
        taken = rank + 1;
      }
    }
    this.keep.fill(0, 0, count);
    for (let rank = 0; rank < taken; rank++) this.keep[(order[rank] ?? 0) % INDEX_SPAN] = 1;
    return this.keep.subarray(0, count);
  }
}
