import { formatNumber } from "./format.ts";

export type Bar = { readonly label: string; readonly median: number; readonly min: number; readonly max: number };

export type BarChart = { readonly title: string; readonly unit: string; readonly bars: readonly Bar[] };

const WIDTH = 760;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 110;
const ROW_HEIGHT = 30;
const HEAD_HEIGHT = 44;
const PLOT_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;

/** Colours by the reader's scheme, so that one file suits a light and a dark page. */
const STYLE = `text{font:13px system-ui,sans-serif;fill:#1f2933}.title{font-weight:600;font-size:14px}.unit,.range{fill:#66727f}
.bar{fill:#2f7ebc}.whisker{stroke:#1f2933;stroke-width:1.5;opacity:.55}.track{fill:#8a97a5;opacity:.13}
@media(prefers-color-scheme:dark){text{fill:#e4e8ec}.unit{fill:#9aa5b1}.bar{fill:#5aa9e6}.whisker{stroke:#e4e8ec}}`;

/** Values further apart than this would leave the short bars invisible on a linear scale. */
const LINEAR_SPAN_MAX = 50;

/**
 * Horizontal bars of medians with a line from least to greatest: from zero, or on a logarithmic scale (which the title says)
 * when the values are far apart. Equal input gives equal bytes.
 */
export function drawBarChart({ title, unit, bars }: BarChart): string {
  const greatest = Math.max(...bars.map(({ max }) => max), Number.MIN_VALUE);
  const least = Math.min(...bars.map(({ min }) => min));
  const isLogarithmic = least > 0 && greatest / least > LINEAR_SPAN_MAX;
  // Half the least value is the left end, so that the shortest bar can be seen.
  const share = (value: number) =>
    isLogarithmic ? Math.log((value * 2) / least) / Math.log((greatest * 2) / least) : Math.max(0, value) / greatest;
  const xOf = (value: number) => Number((share(value) * PLOT_WIDTH).toFixed(1));
  const scale = isLogarithmic ? `${unit}, logarithmic` : unit;
  const height = HEAD_HEIGHT + bars.length * ROW_HEIGHT + 8;
  const rows = bars.map((bar, at) => drawBar(bar, HEAD_HEIGHT + at * ROW_HEIGHT, xOf));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-label="${escapeXml(title)}">
<style>${STYLE}</style>
<text class="title" x="0" y="20">${escapeXml(title)} <tspan class="unit">(${escapeXml(scale)})</tspan></text>
${rows.join("\n")}
</svg>
`;
}

function drawBar({ label, median, min, max }: Bar, y: number, xOf: (value: number) => number): string {
  const middle = y + 14;
  const whisker = `<line class="whisker" x1="${LABEL_WIDTH + xOf(min)}" x2="${LABEL_WIDTH + xOf(max)}" y1="${middle}" y2="${middle}"/>`;
  return [
    `<text x="0" y="${y + 18}">${escapeXml(label)}</text>`,
    `<rect class="track" x="${LABEL_WIDTH}" y="${y + 4}" width="${PLOT_WIDTH}" height="20" rx="3"/>`,
    `<rect class="bar" x="${LABEL_WIDTH}" y="${y + 4}" width="${xOf(median)}" height="20" rx="3"/>`,
    min === max ? "" : whisker,
    `<text x="${LABEL_WIDTH + PLOT_WIDTH + 10}" y="${y + 18}">${formatNumber(median)}</text>`,
  ]
    .filter((line) => line !== "")
    .join("\n");
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
