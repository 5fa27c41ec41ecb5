/** Tables of values, as GFM shows them. Tables that lay out a page (one column, headings or whole texts in cells) are none. */
import type { DocumentTable } from "../document.ts";
import { TABLE_COLUMNS_MAX } from "../limits.ts";
import { BlockKind, type Page } from "../page/page.ts";
import { attributeId, tagId } from "../tokenizer/tokens.ts";
import { numberOf } from "./attributes.ts";
import { type InlineReader, InlineStyle } from "./inline-reader.ts";

const TABLE = tagId("table");
const THEAD = tagId("thead");
const TR = tagId("tr");
const TD = tagId("td");
const TH = tagId("th");
const CAPTION = tagId("caption");
const COLSPAN = attributeId("colspan");
const ROWSPAN = attributeId("rowspan");

/** A cell with more blocks than that holds a text, not a value; so do cells with this many on average. */
const CELL_BLOCKS_MAX = 8;
const CELL_BLOCKS_MEAN_MAX = 3;
/** A row of values is short; a layout cell holds a whole article. */
const ROW_CHARS_MAX = 1_500;
const ROWSPAN_MAX = 1_000;

type Cell = { readonly column: number; readonly blockStart: number; readonly blockEnd: number };
type Row = { readonly isHead: boolean; readonly cells: Cell[]; areAllHeads: boolean };
type Grid = { readonly rows: Row[]; readonly captions: number[] };

export type ShownTable = { readonly markdown: string; readonly text: string; readonly table: DocumentTable };

/** The table at `element`, its kept blocks in cells; undefined when it only lays out what is in it. */
export function readTable(page: Page, keep: Uint8Array, element: number): Grid | undefined {
  const grid = readGrid(page, keep, element);
  return grid && isOfValues(page, keep, grid) ? grid : undefined;
}

/** Rows and cells that hold kept blocks; undefined when some stand in a table inside or outside of all cells. */
function readGrid(page: Page, keep: Uint8Array, table: number): Grid | undefined {
  const { tag, parent, count, blockStart, blockEnd } = page.elements;
  const grid: Grid = { rows: [], captions: [] };
  const cursor = new GridCursor(page, grid.rows);
  let placed = 0;
  for (let at = table + 1; at < count && (parent[at] ?? -1) >= table; at++) {
    const id = tag[at] ?? 0;
    const kept = id === TD || id === TH || id === CAPTION || id === TABLE ? keptIn(page, keep, at) : 0;
    if (id === TABLE) {
      if (kept > 0) return undefined;
      for (const inner = at; at + 1 < count && (parent[at + 1] ?? -1) >= inner; ) at++;
    } else if (id === TR) cursor.startRow(tag[parent[at] ?? 0] === THEAD);
    else if (id === TD || id === TH) placed += cursor.addCell(at, kept);
    else if (id === CAPTION) {
      placed += kept;
      for (let block = blockStart[at] ?? 0; block < (blockEnd[at] ?? 0); block++)
        if (keep[block] === 1) grid.captions.push(block);
    }
  }
  return placed === keptIn(page, keep, table) ? grid : undefined;
}

/** Places cells in columns, with the room that cells above and before them take. */
class GridCursor {
  readonly #page: Page;
  readonly #rows: Row[];
  /** Further rows that a cell above still fills, by column. */
  readonly #filled: number[] = [];
  #row: Row | undefined;
  #column = 0;

  constructor(page: Page, rows: Row[]) {
    this.#page = page;
    this.#rows = rows;
  }

  startRow(isHead: boolean): void {
    this.#row = { isHead, cells: [], areAllHeads: true };
    this.#rows.push(this.#row);
    this.#column = 0;
    this.#skipFilled();
  }

  /** Gives how many kept blocks it placed. */
  addCell(element: number, kept: number): number {
    if (!this.#row) this.startRow(false);
    const { token, tag, blockStart, blockEnd } = this.#page.elements;
    const open = token[element] ?? -1;
    if (tag[element] !== TH && this.#row && kept > 0) this.#row.areAllHeads = false;
    if (kept > 0)
      this.#row?.cells.push({
        column: this.#column,
        blockStart: blockStart[element] ?? 0,
        blockEnd: blockEnd[element] ?? 0,
      });
    const span = Math.min(TABLE_COLUMNS_MAX, Math.max(1, numberOf(this.#page, open, COLSPAN) ?? 1));
    const down = Math.min(ROWSPAN_MAX, Math.max(1, numberOf(this.#page, open, ROWSPAN) ?? 1));
    for (let i = 0; i < span && this.#column <= TABLE_COLUMNS_MAX; i++) this.#filled[this.#column++] = down - 1;
    this.#skipFilled();
    return kept;
  }

  #skipFilled(): void {
    for (let left = this.#filled[this.#column] ?? 0; left > 0; left = this.#filled[this.#column] ?? 0) {
      this.#filled[this.#column] = left - 1;
      this.#column++;
    }
  }
}

function keptIn(page: Page, keep: Uint8Array, element: number): number {
  let kept = 0;
  for (let at = page.elements.blockStart[element] ?? 0; at < (page.elements.blockEnd[element] ?? 0); at++)
    kept += keep[at] ?? 0;
  return kept;
}

function isOfValues(page: Page, keep: Uint8Array, { rows }: Grid): boolean {
  const columns = new Set<number>();
  let cells = 0;
  let blocks = 0;
  let filledRows = 0;
  for (const row of rows) {
    let chars = 0;
    for (const cell of row.cells) {
      let inCell = 0;
      for (let at = cell.blockStart; at < cell.blockEnd; at++) {
        if (keep[at] !== 1) continue;
        const kind = page.blocks.kind[at];
        if (kind === BlockKind.code || kind === BlockKind.heading || ++inCell > CELL_BLOCKS_MAX) return false;
        chars += page.blocks.chars[at] ?? 0;
      }
      columns.add(cell.column);
      if (cell.column >= TABLE_COLUMNS_MAX) return false;
      blocks += inCell;
    }
    cells += row.cells.length;
    if (row.cells.length > 0) filledRows++;
    if (chars > ROW_CHARS_MAX) return false;
  }
  return filledRows >= 2 && columns.size >= 2 && blocks <= cells * CELL_BLOCKS_MEAN_MAX;
}

type ShownRow = { readonly texts: string[]; readonly marks: string[] };

/** Reads the cells and sets them as a GFM table, as lines of text, and as values; undefined when too few of them show anything. */
export function showTable(
  grid: Grid,
  reader: InlineReader,
  read: (block: number, style: number) => void,
): ShownTable | undefined {
  const kept: Row[] = [];
  const shown: ShownRow[] = [];
  for (const row of grid.rows) {
    const one = showRow(row, reader, read);
    if (one.texts.length === 0) continue;
    kept.push(row);
    shown.push(one);
  }
  const hasHead = kept[0]?.isHead === true || kept[0]?.areAllHeads === true;
  const columns = shown.reduce((most, row) => Math.max(most, row.marks.length), 0);
  const filled = Array.from({ length: columns }, (_, at) => shown.some((row) => (row.texts[at] ?? "") !== ""));
  if (shown.length < 2 || filled.filter(Boolean).length < 2) return undefined;
  const head = (hasHead ? shown[0] : undefined) ?? { texts: [], marks: [] };
  const body = hasHead ? shown.slice(1) : shown;
  const lines = [markdownRow(padded(head.marks, columns)), markdownRow(new Array<string>(columns).fill("---"))];
  for (const row of body) lines.push(markdownRow(row.marks));
  return {
    markdown: lines.join("\n"),
    text: shown.map((row) => row.texts.join(" | ").trim()).join("\n"),
    table: { header: head.texts, rows: body.map((row) => row.texts) },
  };
}

function showRow(row: Row, reader: InlineReader, read: (block: number, style: number) => void): ShownRow {
  const texts: string[] = [];
  const marks: string[] = [];
  for (const cell of row.cells) {
    while (texts.length < cell.column) {
      texts.push("");
      marks.push("");
    }
    const parts: string[] = [];
    const lines: string[] = [];
    for (let at = cell.blockStart; at < cell.blockEnd; at++) {
      read(at, InlineStyle.cell);
      if (reader.text !== "") parts.push(reader.text);
      if (reader.markdown !== "") lines.push(reader.markdown);
    }
    texts[cell.column] = parts.join(" ");
    marks[cell.column] = lines.join("<br>");
  }
  while (texts.at(-1) === "") {
    texts.pop();
    marks.pop();
  }
  return { texts, marks };
}

function padded(cells: readonly string[], columns: number): string[] {
  return Array.from({ length: columns }, (_, at) => cells[at] ?? "");
}

function markdownRow(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}
