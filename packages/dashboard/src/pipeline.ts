/** The engine drawn as what it is: one way through, with the log in the middle. Every number in it is measured. */
import type { Overview } from "@millrace/client";
import { nothing, svg, type TemplateResult } from "lit-html";
import { flow } from "./directives.ts";
import { formatBytes, formatCount, formatMs, formatRate, plural } from "./format.ts";
import { iconPath } from "./icons.ts";
import { COMPACT, type NodeName, type Place, WIDE } from "./pipeline-layout.ts";

type Queue = { readonly depth: number; readonly limit: number };
type NodeFigures = {
  readonly title: string;
  readonly value: string;
  readonly unit: string;
  readonly detail: string;
  readonly queue?: Queue;
};

export function pipeline(overview: Overview, isWide: boolean): TemplateResult {
  const layout = isWide ? WIDE : COMPACT;
  const figures = figuresOf(overview);
  const rates = ratesOf(overview);
  const [width, height] = layout.size;
  return svg`<svg class="pipeline" data-testid="pipeline" viewBox=${`0 0 ${width} ${height}`} role="img" aria-label=${spoken(figures)}>
    ${layout.edges.map(({ from, to, path }) => edge(path, rates[`${from}-${to}`] ?? 0))}
    ${Object.entries(layout.nodes).map(([name, place]) => node(name as NodeName, place, figures[name as NodeName]))}
  </svg>`;
}

function edge(path: string, perSecond: number): TemplateResult {
  return svg`<path class="channel" d=${path} /><path class="flow" d=${path} ${flow(perSecond)} />`;
}

function node(name: NodeName, place: Place, figures: NodeFigures): TemplateResult {
  const { x, y, width, height } = place;
  const isTall = name === "log" && height > 150;
  const { title, value, unit, detail, queue } = figures;
  return svg`<g class=${name === "log" ? "node node-log" : "node"} transform=${`translate(${x} ${y})`}>
    <rect class="node-box" width=${width} height=${height} rx="12" />
    <g class="node-icon" transform="translate(14 13) scale(.8)">${iconPath(name)}</g>
    <text class="node-title" x="38" y="26">${title}</text>
    <text class="node-value" x="14" y="57">${value}<tspan class="node-unit" dx="5">${unit}</tspan></text>
    ${isTall ? strata(place) : nothing}
    <text class="node-detail" x="14" y=${isTall ? height - 22 : 77}>${detail}</text>
    ${queue ? gauge(queue, place) : nothing}
  </g>`;
}

/** How full the queue before this stage is, along the bottom of its box. */
function gauge({ depth, limit }: Queue, { width, height }: Place): TemplateResult {
  const room = width - 28;
  const part = Math.min(1, depth / Math.max(limit, 1));
  const tone = part >= 0.9 ? "bad" : part >= 0.6 ? "warn" : "calm";
  return svg`<g class="gauge" data-tone=${tone} transform=${`translate(14 ${height - 11})`}>
    <rect class="gauge-room" width=${room} height="3" rx="1.5" /><rect class="gauge-part" width=${(room * part).toFixed(1)} height="3" rx="1.5" />
  </g>`;
}

/** The log's layers, oldest at the bottom and faint. */
function strata({ width, height }: Place): TemplateResult {
  const top = 78;
  const count = Math.floor((height - top - 48) / 13);
  const layers = Array.from({ length: count }, (_, at) => {
    const length = (width - 28) * (0.55 + 0.45 * Math.abs(Math.sin(at * 2.4 + 1)));
    return svg`<rect class="layer" x="14" y=${top + at * 13} width=${length.toFixed(1)} height="5" rx="2.5" opacity=${(0.9 - (at / count) * 0.7).toFixed(2)} />`;
  });
  return svg`<g class="strata">${layers}</g>`;
}

function figuresOf({ rates, totals, latency, queues, subscribers, memory }: Overview): Record<NodeName, NodeFigures> {
  const p50 = ({ count, p50: ms }: { count: number; p50: number }) =>
    count === 0 ? "no calls yet" : `p50 ${formatMs(ms)}`;
  const rate = (perSecond: number, unit: string) => ({ value: formatRate(perSecond), unit: `${unit}/s` });
  return {
    sources: {
      title: "Sources",
      ...rate(rates.sourcesPerSecond, "sources"),
      detail: `${formatBytes(rates.bytesPerSecond)}/s`,
      queue: queues.sources,
    },
    extract: {
      title: "Extract",
      ...rate(rates.documentsPerSecond, "docs"),
      detail: p50(latency.extractMs),
      queue: queues.extract,
    },
    embed: {
      title: "Embed",
      ...rate(rates.chunksPerSecond, "chunks"),
      detail: p50(latency.embedMs),
      queue: queues.embed,
    },
    log: {
      title: "Log",
      ...rate(rates.framesPerSecond, "frames"),
      detail: `${plural(totals.frames, "frame")} kept`,
      queue: queues.storage,
    },
    index: {
      title: "Index",
      value: formatCount(totals.chunks),
      unit: "chunks",
      detail: `${formatBytes(memory.indexBytes)} in memory`,
    },
    recall: { title: "Recall", ...rate(rates.recallsPerSecond, "recalls"), detail: p50(latency.recallMs) },
    streams: {
      title: "Streams",
      value: formatCount(totals.streams),
      unit: totals.streams === 1 ? "stream" : "streams",
      detail: "jobs, spaces, agents",
    },
    subscribers: {
      title: "Subscribers",
      value: formatCount(subscribers),
      unit: "live",
      detail: `${formatRate(rates.deliveriesPerSecond)} deliveries/s`,
    },
  };
}

function ratesOf({ rates }: Overview): Record<string, number> {
  return {
    "sources-extract": rates.sourcesPerSecond,
    "extract-embed": rates.documentsPerSecond,
    "embed-log": rates.chunksPerSecond,
    "log-index": rates.chunksPerSecond,
    "index-recall": rates.recallsPerSecond,
    "streams-log": rates.framesPerSecond,
    "log-subscribers": rates.deliveriesPerSecond,
  };
}

function spoken(figures: Record<NodeName, NodeFigures>): string {
  return Object.values(figures)
    .map(({ title, value, unit }) => `${title}: ${value} ${unit}`)
    .join("; ");
}
