/** Where the parts of the drawing stand: side by side on a wide page, downwards on a narrow one. */

export type NodeName = "sources" | "extract" | "embed" | "log" | "index" | "recall" | "streams" | "subscribers";
export type Place = { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
export type Edge = { readonly from: NodeName; readonly to: NodeName; readonly path: string };
export type Layout = {
  readonly size: readonly [number, number];
  readonly nodes: Readonly<Record<NodeName, Place>>;
  readonly edges: readonly Edge[];
};

const box = (x: number, y: number, width: number, height = 98): Place => ({ x, y, width, height });

export const WIDE: Layout = {
  size: [1120, 240],
  nodes: {
    sources: box(0, 0, 152),
    extract: box(192, 0, 152),
    embed: box(384, 0, 152),
    log: box(576, 0, 160, 240),
    index: box(776, 0, 152),
    recall: box(968, 0, 152),
    streams: box(0, 142, 152),
    subscribers: box(968, 142, 152),
  },
  edges: [
    { from: "sources", to: "extract", path: "M152,49H192" },
    { from: "extract", to: "embed", path: "M344,49H384" },
    { from: "embed", to: "log", path: "M536,49H576" },
    { from: "log", to: "index", path: "M736,49H776" },
    { from: "index", to: "recall", path: "M928,49H968" },
    { from: "streams", to: "log", path: "M152,191H576" },
    { from: "log", to: "subscribers", path: "M736,191H968" },
  ],
};

export const COMPACT: Layout = {
  size: [340, 626],
  nodes: {
    sources: box(0, 0, 153),
    extract: box(187, 0, 153),
    streams: box(0, 132, 153),
    embed: box(187, 132, 153),
    log: box(0, 264, 340),
    index: box(0, 396, 153),
    subscribers: box(187, 396, 153),
    recall: box(0, 528, 340),
  },
  edges: [
    { from: "sources", to: "extract", path: "M153,49H187" },
    { from: "extract", to: "embed", path: "M263,98V132" },
    { from: "embed", to: "log", path: "M263,230V264" },
    { from: "streams", to: "log", path: "M76,230V264" },
    { from: "log", to: "index", path: "M76,362V396" },
    { from: "log", to: "subscribers", path: "M263,362V396" },
    { from: "index", to: "recall", path: "M76,494V528" },
  ],
};
