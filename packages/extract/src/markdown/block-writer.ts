/**
 * Puts blocks of Markdown one after the other, each behind the marks of the list items and quotes around it. Items of one list
 * follow each other line by line; all else is parted by an empty line.
 */
import type { Boxes } from "./boxes.ts";

/** A box that is open: its list, the mark of an ordered one, and what stands before its further lines. */
type OpenBox = { readonly box: number; readonly list: number; readonly delimiter: string; readonly indent: string };

export class BlockWriter {
  markdown = "";
  readonly #boxes: Boxes;
  #open: OpenBox[] = [];
  #wasParagraph = false;

  constructor(boxes: Boxes) {
    this.#boxes = boxes;
  }

  /** The innermost box around `box`, itself included, that the last block stood in; -1 for none. */
  openBox(box: number): number {
    let at = box;
    while (at >= 0 && !this.#open.some((open) => open.box === at)) at = this.#boxes.above(at);
    return at;
  }

  /** Adds one block that stands in `box`. */
  write(box: number, block: string, isParagraph: boolean): void {
    if (box < 0 && this.#open.length === 0) {
      this.markdown += this.markdown === "" ? block : `\n\n${block}`;
      this.#wasParagraph = isParagraph;
      return;
    }
    const chain = this.#chain(box);
    let common = 0;
    while (common < chain.length && this.#open[common]?.box === chain[common]) common++;
    const opened = this.#open.slice(0, common);
    let first = opened.map((open) => open.indent).join("");
    for (let at = common; at < chain.length; at++) {
      const { shown, open } = this.#enter(chain[at] ?? -1, at === common ? this.#open[at] : undefined);
      opened.push(open);
      first += shown;
    }
    if (this.markdown !== "") this.markdown += this.#gap(opened, common);
    this.markdown += first + indented(block, opened.map((open) => open.indent).join(""));
    this.#open = opened;
    this.#wasParagraph = isParagraph;
  }

  /** Boxes from the outermost to `box`. */
  #chain(box: number): number[] {
    const chain: number[] = [];
    for (let at = box; at >= 0; at = this.#boxes.above(at)) chain.push(at);
    return chain.reverse();
  }

  #enter(box: number, before: OpenBox | undefined): { readonly shown: string; readonly open: OpenBox } {
    if (!this.#boxes.isItem(box)) return { shown: "> ", open: { box, list: -1, delimiter: "", indent: "> " } };
    const list = this.#boxes.orderedListOf(box);
    if (list < 0) return { shown: "- ", open: { box, list, delimiter: "-", indent: "  " } };
    // Two ordered lists that touch are told apart by their delimiter (CommonMark 5.3).
    const isOther = before !== undefined && before.list >= 0 && before.list !== list;
    const same = before?.list === list ? before.delimiter : ".";
    const delimiter = isOther && before.delimiter === "." ? ")" : isOther ? "." : same;
    const shown = `${this.#boxes.numberOf(box)}${delimiter} `;
    return { shown, open: { box, list, delimiter, indent: " ".repeat(shown.length) } };
  }

  #gap(opened: readonly OpenBox[], common: number): string {
    const next = opened[common];
    if (next && next.delimiter !== "" && this.#isTight(next, common)) return "\n";
    const indent = opened
      .slice(0, common)
      .map((open) => open.indent)
      .join("");
    return `\n${indent.trimEnd()}\n`;
  }

  /** Whether an item may follow without an empty line: it goes on with its list, or begins one that a paragraph may be followed by. */
  #isTight(next: OpenBox, common: number): boolean {
    const before = this.#open[common];
    if (before) return before.delimiter !== "" && before.list === next.list;
    const isFirst = next.list < 0 || this.#boxes.numberOf(next.box) === 1;
    return this.#wasParagraph && isFirst && (this.#open[common - 1]?.delimiter ?? "") !== "";
  }
}

/** `block` with `indent` before each line but the first; empty lines hold no blanks. */
function indented(block: string, indent: string): string {
  if (indent === "" || !block.includes("\n")) return block;
  const bare = indent.trimEnd();
  return block
    .split("\n")
    .map((line, at) => (at === 0 ? line : line === "" ? bare : indent + line))
    .join("\n");
}
