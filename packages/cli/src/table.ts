import type { Style, Terminal } from "./terminal.ts";

export type Column<Row> = {
  readonly title: string;
  readonly text: (row: Row) => string;
  readonly align?: "right";
  readonly style?: (row: Row) => Style;
};

/** Rows in columns as wide as their widest cell, the titles dim above them. */
export function printTable<Row>({ out, style }: Terminal, rows: readonly Row[], columns: readonly Column<Row>[]): void {
  const cells = rows.map((row) => columns.map(({ text }) => text(row)));
  const widths = columns.map(({ title }, at) =>
    Math.max(title.length, ...cells.map((line) => (line[at] ?? "").length)),
  );
  const pad = (text: string, at: number) => {
    const width = widths[at] ?? 0;
    if (columns[at]?.align === "right") return text.padStart(width);
    return at === columns.length - 1 ? text : text.padEnd(width);
  };
  out(style("dim", columns.map(({ title }, at) => pad(title, at)).join("  ")));
  rows.forEach((row, index) => {
    const line = columns.map((column, at) => {
      const text = pad(cells[index]?.[at] ?? "", at);
      return column.style ? style(column.style(row), text) : text;
    });
    out(line.join("  "));
  });
}
