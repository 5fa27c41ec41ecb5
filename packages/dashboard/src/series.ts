import { HISTORY_MAX } from "./limits.ts";

/** The last values of one measurement, oldest first. */
export class Series {
  readonly #values: number[] = [];

  get values(): readonly number[] {
    return this.#values;
  }

  push(value: number): void {
    if (this.#values.push(value) > HISTORY_MAX) this.#values.shift();
  }

  clear(): void {
    this.#values.length = 0;
  }
}

/** A young line is drawn at least this many points wide, so that its first seconds fill some of the box. */
const WINDOW_MIN = 30;

export type Box = { readonly width: number; readonly height: number };

/** The points of a line through `values` in a box, newest at the right edge; the top is the largest value, 0 the bottom. */
export function linePath(values: readonly number[], { width, height }: Box): string {
  const top = Math.max(...values, 1e-9);
  const step = stepOf(values, width);
  const left = width - (values.length - 1) * step;
  const points = values.map((value, at) => {
    const y = height - 2 - (value / top) * (height - 4);
    return `${(left + at * step).toFixed(1)},${y.toFixed(1)}`;
  });
  return points.length === 0 ? "" : `M${points.join("L")}`;
}

/** The same line closed along the bottom, to be filled. */
export function areaPath(values: readonly number[], box: Box): string {
  if (values.length === 0) return "";
  const left = box.width - (values.length - 1) * stepOf(values, box.width);
  return `${linePath(values, box)}L${box.width},${box.height}L${left.toFixed(1)},${box.height}Z`;
}

function stepOf(values: readonly number[], width: number): number {
  return width / (Math.max(WINDOW_MIN, values.length) - 1);
}
