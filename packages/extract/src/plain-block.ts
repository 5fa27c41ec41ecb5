/** A block of a source without markup (plain text, PDF): what `assemblePlain` joins. */
import type { Link } from "./document.ts";

export type PlainBlockKind = "paragraph" | "heading" | "item" | "row" | "code";

export type PlainBlock = {
  readonly kind: PlainBlockKind;
  /** Heading level 1–6, or nesting depth of a list item (from 1), else 0. */
  readonly level: number;
  readonly text: string;
  readonly links: readonly Link[];
};
