/** How pages read on request fare: how many, how much of it was kept from before, how many want a browser, how long a read takes. */
import type { Overview } from "@millrace/client";
import { html, type TemplateResult } from "lit-html";
import { formatCount, formatMs, formatPercent } from "./format.ts";
import { figure } from "./ui.ts";

export function extractCard({ extract }: Overview): TemplateResult {
  const { read, failed, reading, waiting, cacheHitRate, needsRenderRate, readMs } = extract;
  const known = (text: string) => (readMs.count === 0 ? "–" : text);
  return html`<section class="card totals" aria-label="Pages read" data-testid="extract">
    <h2 class="card-title">Pages read</h2>
    <dl class="figures">
      ${figure("Read", formatCount(read))}${figure("Failed", formatCount(failed))}${figure("In hand", formatCount(reading))}${figure("Waiting", formatCount(waiting))}
      ${figure("From cache", known(formatPercent(cacheHitRate)))}${figure("Need a browser", known(formatPercent(needsRenderRate)))}${figure("p50", known(formatMs(readMs.p50)))}${figure("p95", known(formatMs(readMs.p95)))}
    </dl>
  </section>`;
}
