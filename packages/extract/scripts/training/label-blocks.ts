/**
 * Which blocks of a page make up its reference text: the words of the page and of the reference are aligned (longest common
 * subsequence), then blocks are added and taken away as long as the word F1 of the page gains.
 */
import { decodeHTML } from "entities";
import { BlockKind, type Page } from "../../src/page/page.ts";
import { TAG_BITS, TagBit } from "../../src/page/tag-kinds.ts";
import { TOKEN_WORDS, TokenKind, tagId } from "../../src/tokenizer/tokens.ts";

export type Labels = {
  /** 1 for blocks of the reference. */
  readonly keep: Uint8Array;
  /** Share of a block's words that were aligned. */
  readonly cover: Float32Array;
  /** Words of each block, as ids of `words`. */
  readonly ids: readonly Int32Array[];
  /** How often each id stands in the reference. */
  readonly wanted: Int32Array;
  readonly referenceWords: number;
};

export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

export function blockText(page: Page, at: number): string {
  const { words } = page.tokens;
  let text = "";
  // Boxes stand in code as its lines; elsewhere the end tags of others stand astray.
  const isCode = page.blocks.kind[at] === BlockKind.code;
  for (let token = page.blocks.tokenStart[at] ?? 0; token < (page.blocks.tokenEnd[at] ?? 0); token++) {
    const base = token * TOKEN_WORDS;
    const word = words[base] ?? 0;
    if ((word & 15) === TokenKind.text) text += decodeHTML(page.html.slice(words[base + 1], words[base + 2]));
    else if ((word & 15) === TokenKind.open || (word & 15) === TokenKind.close) {
      const id = (word >> 8) & 0xffff;
      if (id === BR || (isCode && ((TAG_BITS[id] ?? 0) & TagBit.block) !== 0)) text += "\n";
    }
  }
  return text;
}

const BR = tagId("br");

export function labelBlocks(page: Page, reference: string): Labels {
  const index = new Map<string, number>();
  const idOf = (word: string) => {
    const known = index.get(word);
    if (known !== undefined) return known;
    index.set(word, index.size);
    return index.size - 1;
  };
  const want = Int32Array.from(wordsOf(reference), idOf);
  const ids: Int32Array[] = [];
  for (let at = 0; at < page.blocks.count; at++) ids.push(Int32Array.from(wordsOf(blockText(page, at)), idOf));
  const wanted = new Int32Array(index.size);
  for (const id of want) wanted[id] = (wanted[id] ?? 0) + 1;
  const cover = align(ids, want);
  const keep = climb(ids, wanted, { cover, total: want.length });
  return { keep, cover, ids, wanted, referenceWords: want.length };
}

function align(ids: readonly Int32Array[], want: Int32Array): Float32Array {
  const cover = new Float32Array(ids.length);
  const n = ids.reduce((sum, list) => sum + list.length, 0);
  const m = want.length;
  if (n === 0 || m === 0) return cover;
  const words = new Int32Array(n);
  const owner = new Int32Array(n);
  let at = 0;
  ids.forEach((list, block) => {
    for (const id of list) {
      words[at] = id;
      owner[at++] = block;
    }
  });
  // Two bits a cell: 1 diagonal, 2 up, 3 left. A run of matches is worth more than as many apart.
  const width = m + 1;
  const steps = new Uint8Array(Math.ceil(((n + 1) * width) / 4));
  let above = new Float32Array(width);
  let row = new Float32Array(width);
  let aboveRun = new Uint8Array(width);
  let rowRun = new Uint8Array(width);
  for (let i = 1; i <= n; i++) {
    row[0] = 0;
    const word = words[i - 1];
    for (let j = 1; j <= m; j++) {
      let best = above[j] as number;
      let step = 2;
      const left = row[j - 1] as number;
      if (left > best) {
        best = left;
        step = 3;
      }
      let run = 0;
      if (word === want[j - 1]) {
        const length = Math.min(20, (aboveRun[j - 1] as number) + 1);
        const value = (above[j - 1] as number) + 1 + 0.05 * length;
        if (value >= best) {
          best = value;
          step = 1;
          run = length;
        }
      }
      row[j] = best;
      rowRun[j] = run;
      const cell = i * width + j;
      steps[cell >> 2] = (steps[cell >> 2] as number) | (step << ((cell & 3) * 2));
    }
    [above, row] = [row, above];
    [aboveRun, rowRun] = [rowRun, aboveRun];
  }
  for (let i = n, j = m; i > 0 && j > 0; ) {
    const cell = i * width + j;
    const step = ((steps[cell >> 2] as number) >> ((cell & 3) * 2)) & 3;
    if (step === 1) {
      const block = owner[i - 1] as number;
      cover[block] = (cover[block] as number) + 1;
      i--;
      j--;
    } else if (step === 2) i--;
    else j--;
  }
  ids.forEach((list, block) => {
    cover[block] = list.length > 0 ? (cover[block] as number) / list.length : 0;
  });
  return cover;
}

/** Starts from the aligned blocks and changes one at a time while the page's F1 gains. */
function climb(
  ids: readonly Int32Array[],
  wanted: Int32Array,
  from: { readonly cover: Float32Array; readonly total: number },
): Uint8Array {
  const keep = Uint8Array.from(from.cover, (share) => (share >= 0.5 ? 1 : 0));
  const have = new Int32Array(wanted.length);
  let common = 0;
  let size = 0;
  const change = (block: number, by: 1 | -1) => {
    for (const id of ids[block] as Int32Array) {
      const count = have[id] as number;
      if (by === 1 ? count < (wanted[id] as number) : count <= (wanted[id] as number)) common += by;
      have[id] = count + by;
      size += by;
    }
  };
  keep.forEach((kept, block) => {
    if (kept) change(block, 1);
  });
  const f1 = () => (2 * common) / Math.max(1, size + from.total);
  for (let round = 0; round < 3; round++) {
    let changes = 0;
    for (let block = 0; block < ids.length; block++) {
      if ((ids[block] as Int32Array).length === 0) continue;
      const share = from.cover[block] as number;
      if (keep[block] ? share > 0.9 : share < 0.1 && (ids[block] as Int32Array).length < 12) continue;
      const before = f1();
      const by = keep[block] ? -1 : 1;
      change(block, by);
      if (f1() > before + 1e-9) {
        keep[block] = keep[block] ? 0 : 1;
        changes++;
      } else change(block, by === 1 ? -1 : 1);
    }
    if (changes === 0) break;
  }
  return keep;
}
