import { svg, type TemplateResult } from "lit-html";
import { areaPath, linePath } from "./series.ts";

const BOX = { width: 240, height: 36 };

/** Two minutes of a measurement; decoration beside its number, so it is hidden from readers of the screen. */
export function sparkline(values: readonly number[]): TemplateResult {
  return svg`<svg class="sparkline" viewBox="0 0 240 36" preserveAspectRatio="none" aria-hidden="true">
    <path class="spark-base" d="M0,34H240" /><path class="spark-area" d=${areaPath(values, BOX)} /><path class="spark-line" d=${linePath(values, BOX)} />
  </svg>`;
}
