/**
 * The built-in model: a table of word vectors, and a text's vector is the sum of its words'. Offline, no native part, thousands
 * of texts a second. How the table was made, what it is worth and where it ends: docs/embeddings.md.
 */
import { readFileSync } from "node:fs";
import { checkTexts } from "./check-texts.ts";
import type { EmbeddingProvider } from "./provider.ts";
import { readStaticTable, type StaticTable } from "./static-table.ts";
import { tokenize, type Vocabulary } from "./static-tokens.ts";

/** Names the built-in table. Another table is another model: a space keeps the one it was made with. */
export const STATIC_MODEL = "millrace-static-en-1";
const TABLE_URL = new URL("../../assets/millrace-static-en-1.bin", import.meta.url);
/** Texts between looks at the signal and the event loop. */
const TEXTS_PER_TURN = 256;

let builtIn: StaticTable | undefined;

/** Reads the built-in table on the first call, once a thread. */
export function createStaticProvider(): EmbeddingProvider {
  builtIn ??= readStaticTable(readFileSync(TABLE_URL), STATIC_MODEL);
  return providerOf(builtIn, STATIC_MODEL);
}

/** A provider over a table; `createStaticProvider` with a table of your own. */
export function providerOf(table: StaticTable, model: string): EmbeddingProvider {
  const vocabulary: Vocabulary = new Map(table.words.map((word, row) => [word, row]));
  return {
    name: "static",
    model,
    dims: table.dims,
    async embed(texts, { signal }) {
      checkTexts(texts);
      const vectors = new Float32Array(texts.length * table.dims);
      for (let at = 0; at < texts.length; at++) {
        if (at > 0 && at % TEXTS_PER_TURN === 0) await new Promise(setImmediate);
        signal?.throwIfAborted();
        pool(texts[at] as string, { table, vocabulary }, vectors.subarray(at * table.dims, (at + 1) * table.dims));
      }
      return vectors;
    },
  };
}

/** Writes the unit vector of `text` to `out`, which is zero. */
function pool(
  text: string,
  { table, vocabulary }: { readonly table: StaticTable; readonly vocabulary: Vocabulary },
  out: Float32Array,
): void {
  const { dims, scales, codes } = table;
  const { rows, hashes } = tokenize(text, vocabulary);
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as number;
    const scale = scales[row] as number;
    const start = row * dims;
    for (let dim = 0; dim < dims; dim++) out[dim] = (out[dim] as number) + scale * (codes[start + dim] as number);
  }
  // A word nobody knows still tells texts that hold it from texts that do not, in any language: it gets a direction by its hash.
  const length = 1 / Math.sqrt(dims);
  for (const hash of hashes) addHash(hash, length, out);
  // A text without a word (only punctuation) gets a direction too, so that every vector has unit length.
  if (!normalise(out)) {
    addHash(1, length, out);
    normalise(out);
  }
}

/** Adds a vector of ± `length` drawn by xorshift from `hash`. */
function addHash(hash: number, length: number, out: Float32Array): void {
  let state = hash === 0 ? 1 : hash | 0;
  for (let dim = 0; dim < out.length; dim++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    out[dim] = (out[dim] as number) + ((state & 1) === 1 ? length : -length);
  }
}

function normalise(vector: Float32Array): boolean {
  let square = 0;
  for (let dim = 0; dim < vector.length; dim++) square += (vector[dim] as number) * (vector[dim] as number);
  if (square < 1e-20) return false;
  const scale = 1 / Math.sqrt(square);
  for (let dim = 0; dim < vector.length; dim++) vector[dim] = (vector[dim] as number) * scale;
  return true;
}
