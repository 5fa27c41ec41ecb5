/**
 * A page as text blocks in a tree of elements, in arrays: what one pass over the tokens leaves. Nothing here holds text of its own;
 * a block names its tokens, and whoever keeps it reads them again.
 */
import type { Tokens } from "../tokenizer/tokens.ts";

export const BlockKind = {
  paragraph: 0,
  /** `level` 1–6. */
  heading: 1,
  /** Text directly in a list item, `level` is the depth of lists (from 1). A second paragraph of an item is a paragraph. */
  item: 2,
  /** Text of one table cell. */
  cell: 3,
  /** Text in `pre`, white space kept. */
  code: 4,
  /** `dt` */
  term: 5,
  caption: 6,
  /** Text of a `button`, `label`, `option` and the like. */
  control: 7,
} as const;

/** A run of inline content between two block boundaries that holds at least one character that is no white space. */
export type Blocks = {
  readonly count: number;
  /** `BlockKind` */
  readonly kind: Uint8Array;
  readonly level: Uint8Array;
  /** The innermost element of `Elements` around the block. */
  readonly element: Int32Array;
  /** First token, and the one after the last: indices of tokens. Inline tags may be unbalanced within them. */
  readonly tokenStart: Int32Array;
  readonly tokenEnd: Int32Array;
  /** The open token of the `a` that was open before the block began, else -1. */
  readonly link: Int32Array;
  /** UTF-16 units of text with white space collapsed, and those of them inside links. */
  readonly chars: Int32Array;
  readonly linkChars: Int32Array;
  /** `TEXT_COUNTS` figures a block (`TextCount`). */
  readonly counts: Int32Array;
};

/** Elements that are no inline ones (and `a` where it holds blocks), in page order: a parent stands before its children. */
export type Elements = {
  readonly count: number;
  /** Id in `TAGS`, 0 for others. Element 0 is the root, which has no token. */
  readonly tag: Uint8Array;
  /** Index of the parent; -1 for the root. */
  readonly parent: Int32Array;
  /** Its open token, -1 for the root. */
  readonly token: Int32Array;
  readonly depth: Int32Array;
  /** First block inside, and the one after the last: all of an element's blocks stand together. */
  readonly blockStart: Int32Array;
  readonly blockEnd: Int32Array;
};

export type Page = {
  readonly html: string;
  readonly tokens: Tokens;
  readonly blocks: Blocks;
  readonly elements: Elements;
};
