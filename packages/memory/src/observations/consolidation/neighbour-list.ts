/** Rows with their nearest older rows as 32-bit words: row, count, then for each neighbour its row and its similarity (float32). */

/** Words of a list but its neighbours, and of each neighbour. */
const HEAD_WORDS = 2;
const NEIGHBOUR_WORDS = 2;
const WORDS_FIRST = 1_024;

/** Appends lists; grows as needed. */
export class NeighbourWriter {
  #words = new Uint32Array(WORDS_FIRST);
  #similarities = new Float32Array(this.#words.buffer);
  #length = 0;
  #headAt = -1;

  /** Begins the list of a row; it is left out again unless neighbours follow. */
  begin(row: number): void {
    this.#dropEmpty();
    this.#room(HEAD_WORDS);
    this.#headAt = this.#length;
    this.#words[this.#length++] = row;
    this.#words[this.#length++] = 0;
  }

  add(row: number, similarity: number): void {
    this.#room(NEIGHBOUR_WORDS);
    this.#words[this.#length++] = row;
    this.#similarities[this.#length++] = similarity;
    this.#words[this.#headAt + 1] = this.#count + 1;
  }

  /** A copy of what was written. */
  take(): Uint32Array<ArrayBuffer> {
    this.#dropEmpty();
    return this.#words.slice(0, this.#length);
  }

  get #count(): number {
    return this.#words[this.#headAt + 1] ?? 0;
  }

  #dropEmpty(): void {
    if (this.#headAt >= 0 && this.#count === 0) this.#length = this.#headAt;
  }

  #room(words: number): void {
    if (this.#length + words <= this.#words.length) return;
    const grown = new Uint32Array(this.#words.length * 2);
    grown.set(this.#words);
    this.#words = grown;
    this.#similarities = new Float32Array(grown.buffer);
  }
}

/** Goes from list to list. */
export class NeighbourReader {
  readonly #words: Uint32Array;
  readonly #similarities: Float32Array;
  #at = 0;
  #next = 0;

  constructor(words: Uint32Array) {
    this.#words = words;
    this.#similarities = new Float32Array(words.buffer, words.byteOffset, words.length);
  }

  /** Whether there is another list; it is then the current one. */
  next(): boolean {
    if (this.#next >= this.#words.length) return false;
    this.#at = this.#next;
    this.#next += HEAD_WORDS + NEIGHBOUR_WORDS * this.count;
    return true;
  }

  get row(): number {
    return this.#words[this.#at] ?? 0;
  }

  get count(): number {
    return this.#words[this.#at + 1] ?? 0;
  }

  neighbour(place: number): number {
    return this.#words[this.#at + HEAD_WORDS + NEIGHBOUR_WORDS * place] ?? 0;
  }

  similarity(place: number): number {
    return this.#similarities[this.#at + HEAD_WORDS + NEIGHBOUR_WORDS * place + 1] ?? 0;
  }
}
