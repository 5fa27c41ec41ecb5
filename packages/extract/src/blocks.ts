/**
 * A page as a flat list of text blocks in a tree of containers: what one pass over the tags leaves, and all that choosing the
 * main text needs. Whoever selects blocks (rules today, a model later) reads these and nothing else.
 */
import type { Link } from "./document.ts";

export type BlockKind = "paragraph" | "heading" | "item" | "row" | "code";

export type Block = {
  readonly kind: BlockKind;
  /** Heading level 1–6, or nesting depth of a list item (from 1), else 0. */
  readonly level: number;
  readonly text: string;
  readonly links: readonly Link[];
  /** Characters of `text` inside links. */
  readonly linkChars: number;
  /** Index of the innermost container. */
  readonly container: number;
};

export type Container = {
  readonly tag: string;
  /** Index of the parent; -1 for the root. */
  readonly parent: number;
  /** `Trait` bits of this element alone. */
  readonly own: number;
  /** `Trait` bits of this element and all above it. */
  readonly traits: number;
};

/** What an element says about the text in it, as bits. */
export const Trait = {
  nav: 1,
  header: 2,
  footer: 4,
  aside: 8,
  form: 16,
  hidden: 32,
  main: 64,
  article: 128,
  /** Class or id of page furniture: share bars, cookie notices, related links … */
  furniture: 256,
  /** Class or id of a content area. */
  content: 512,
  comments: 1024,
  /** Breadcrumbs, pagers, "edit this page": never text, however long. */
  wayfinding: 2048,
  dialog: 4096,
  /** Shown only where scripts do not run: some engines put the whole page there. */
  noscript: 8192,
} as const;

export type PageMeta = {
  /** Content of `<title>`. */
  title: string;
  language: string;
  base: string;
  /** `<meta>` by lower-case name or property, first of each. */
  readonly tags: Map<string, string>;
  /** Text of rel=author links and byline elements, first found. */
  byline: string;
};

export type Page = {
  readonly blocks: readonly Block[];
  readonly containers: readonly Container[];
  readonly meta: PageMeta;
};
