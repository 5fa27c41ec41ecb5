/** Joins the cells of a data table's row into one block; the cells of a layout table stay the blocks they are. */
import type { Block } from "./blocks.ts";
import type { Link } from "./document.ts";

/** A row of data is short; a layout cell holds a whole article. */
const ROW_CHARS_MAX = 800;
const CELL_BLOCKS_MAX = 3;
const SEPARATOR = " | ";

type OpenRow = { readonly first: number; readonly cells: number[] };

export class RowMerger {
  readonly #open: OpenRow[] = [];

  openRow(blocks: number): void {
    this.#open.push({ first: blocks, cells: [] });
  }

  openCell(blocks: number): void {
    this.#open.at(-1)?.cells.push(blocks);
  }

  /** Replaces the blocks since the row began by one, when they are a row of data. */
  closeRow(blocks: Block[]): void {
    const row = this.#open.pop();
    if (!row || row.cells.length < 2) return;
    const added = blocks.length - row.first;
    if (added < 2) return;
    const cells = row.cells.map((start, at) => blocks.slice(start, row.cells[at + 1] ?? blocks.length));
    if (!cells.every(isDataCell)) return;
    const text = cells.map((cell) => cell.map((block) => block.text.replace(/\s+/g, " ")).join(" ")).join(SEPARATOR);
    if (text.length > ROW_CHARS_MAX) return;
    const parts = blocks.splice(row.first, added);
    const links: Link[] = parts.flatMap((block) => block.links);
    const linkChars = parts.reduce((sum, block) => sum + block.linkChars, 0);
    blocks.push({ kind: "row", level: 0, text, links, linkChars, container: parts[0]?.container ?? 0 });
  }
}

function isDataCell(cell: readonly Block[]): boolean {
  return (
    cell.length <= CELL_BLOCKS_MAX &&
    cell.every((block) => block.kind === "paragraph" || block.kind === "item" || block.kind === "heading")
  );
}
