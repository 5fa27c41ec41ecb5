/** The `k` best of a stream of (id, score): higher score first, lower id first among equals. A binary heap, worst at the root. */
export class TopK {
  readonly #ids: Uint32Array;
  readonly #scores: Float32Array;
  #count = 0;

  constructor(k: number) {
    this.#ids = new Uint32Array(k);
    this.#scores = new Float32Array(k);
  }

  /** A score below this cannot enter; −Infinity until k are held. */
  get threshold(): number {
    return this.#count < this.#ids.length ? Number.NEGATIVE_INFINITY : (this.#scores[0] ?? Number.NEGATIVE_INFINITY);
  }

  /** O(log k) when it enters, O(1) when not. */
  offer(id: number, score: number): void {
    if (this.#count < this.#ids.length) {
      this.#rise(this.#count++, id, score);
    } else if (this.#isWorse(0, id, score)) {
      this.#sink(id, score);
    }
  }

  /** Ids and scores, best first. Empties the heap. */
  take(): { ids: Uint32Array; scores: Float32Array } {
    const ids = new Uint32Array(this.#count);
    const scores = new Float32Array(this.#count);
    while (this.#count > 0) {
      const to = --this.#count;
      ids[to] = this.#ids[0] ?? 0;
      scores[to] = this.#scores[0] ?? 0;
      this.#sink(this.#ids[to] ?? 0, this.#scores[to] ?? 0);
    }
    return { ids, scores };
  }

  /** Whether the entry at `at` ranks below (id, score). */
  #isWorse(at: number, id: number, score: number): boolean {
    const held = this.#scores[at] ?? 0;
    return held < score || (held === score && (this.#ids[at] ?? 0) > id);
  }

  #rise(from: number, id: number, score: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#isWorse(parent, id, score)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#put(at, id, score);
  }

  /** Puts (id, score) in place of the root. */
  #sink(id: number, score: number): void {
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.#count) break;
      const right = child + 1;
      if (right < this.#count && this.#isWorse(right, this.#ids[child] ?? 0, this.#scores[child] ?? 0)) child = right;
      if (!this.#isWorse(child, id, score)) break;
      this.#move(child, at);
      at = child;
    }
    this.#put(at, id, score);
  }

  #move(from: number, to: number): void {
    this.#put(to, this.#ids[from] ?? 0, this.#scores[from] ?? 0);
  }

  #put(at: number, id: number, score: number): void {
    this.#ids[at] = id;
    this.#scores[at] = score;
  }
}
