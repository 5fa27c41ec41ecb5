/** How far probabilities can be trusted: Brier score, expected calibration error, and the reliability diagram. */

export type Outcome = { readonly probability: number; readonly label: 0 | 1; readonly weight: number };

export type Bin = {
  readonly predicted: number;
  readonly observed: number;
  readonly weight: number;
  readonly count: number;
};

export type Reliability = { readonly brier: number; readonly ece: number; readonly bins: readonly Bin[] };

/** Upper ends: most pages are near 1, so the bins are narrow there. */
const BIN_ENDS = [0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99, 1];

export function reliabilityOf(outcomes: readonly Outcome[]): Reliability {
  const total = outcomes.reduce((sum, { weight }) => sum + weight, 0);
  const brier =
    outcomes.reduce((sum, { probability, label, weight }) => sum + weight * (probability - label) ** 2, 0) / total;
  const bins = BIN_ENDS.flatMap((end, at) => {
    const start = BIN_ENDS[at - 1] ?? -1;
    const inside = outcomes.filter(({ probability }) => probability > start && probability <= end);
    const weight = inside.reduce((sum, one) => sum + one.weight, 0);
    if (weight === 0) return [];
    const mean = (value: (one: Outcome) => number) =>
      inside.reduce((sum, one) => sum + one.weight * value(one), 0) / weight;
    return [
      { predicted: mean((one) => one.probability), observed: mean((one) => one.label), weight, count: inside.length },
    ];
  });
  const ece = bins.reduce(
    (sum, { predicted, observed, weight }) => sum + (weight / total) * Math.abs(predicted - observed),
    0,
  );
  return { brier, ece, bins };
}

const SIZE = 360;
const EDGE = 48;

const STYLE = `text{font:13px system-ui,sans-serif;fill:#1f2933}.title{font-weight:600;font-size:14px}.unit{fill:#66727f}
.axis{stroke:#8a97a5;fill:none}.ideal{stroke:#8a97a5;stroke-dasharray:4 4}.line{stroke:#2f7ebc;stroke-width:2;fill:none}.dot{fill:#2f7ebc}
@media(prefers-color-scheme:dark){text{fill:#e4e8ec}.unit{fill:#9aa5b1}.line{stroke:#5aa9e6}.dot{fill:#5aa9e6}}`;

/** Equal input gives equal bytes. The area of a dot goes with the pages in it. */
export function drawReliability({ bins, brier, ece }: Reliability): string {
  const x = (value: number) => (EDGE + value * SIZE).toFixed(1);
  const y = (value: number) => (EDGE + SIZE - value * SIZE).toFixed(1);
  const title = "The page suffices: predicted and observed";
  const ticks = [0, 0.25, 0.5, 0.75, 1].flatMap((value) => [
    `<text class="unit" x="${x(value)}" y="${EDGE + SIZE + 18}" text-anchor="middle">${value}</text>`,
    `<text class="unit" x="${EDGE - 8}" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
  ]);
  const dots = bins.map(({ predicted, observed, count }) => {
    const radius = (3 + Math.sqrt(count) / 4).toFixed(1);
    const label = `<title>predicted ${predicted.toFixed(3)}, observed ${observed.toFixed(3)}, ${count} pages</title>`;
    return `<circle class="dot" cx="${x(predicted)}" cy="${y(observed)}" r="${radius}">${label}</circle>`;
  });
  const line = bins.map(({ predicted, observed }) => `${x(predicted)},${y(observed)}`).join(" ");
  const size = SIZE + EDGE * 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size + 10}" width="${size}" height="${size + 10}" role="img" aria-label="${title}">
<style>${STYLE}</style>
<text class="title" x="8" y="20">${title}</text>
<text class="unit" x="8" y="38">Held-out half; Brier ${brier.toFixed(4)}, ECE ${ece.toFixed(4)}</text>
<rect class="axis" x="${EDGE}" y="${EDGE}" width="${SIZE}" height="${SIZE}"/>
<line class="ideal" x1="${x(0)}" y1="${y(0)}" x2="${x(1)}" y2="${y(1)}"/>
${ticks.join("\n")}
<polyline class="line" points="${line}"/>
${dots.join("\n")}
<text class="unit" x="${EDGE + SIZE / 2}" y="${size}" text-anchor="middle">predicted probability</text>
</svg>
`;
}
