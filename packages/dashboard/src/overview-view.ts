import type { Job, Overview } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { vars } from "./directives.ts";
import type { Engine, Stage } from "./engine.ts";
import { extractCard } from "./extract-card.ts";
import { formatBytes, formatCount, formatDuration, formatMs, formatPercent, plural } from "./format.ts";
import { startPanel } from "./get-started.ts";
import { ingestPanel } from "./ingest-panel.ts";
import { pipeline } from "./pipeline.ts";
import { sparkline } from "./sparkline.ts";
import { figure, loading, pageHeader, progressBar } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const STAGES: readonly { readonly stage: Stage; readonly name: string; readonly about: string }[] = [
  { stage: "recallMs", name: "Recall", about: "question to answer" },
  { stage: "extractMs", name: "Extract", about: "bytes to text" },
  { stage: "embedMs", name: "Embed", about: "text to vectors" },
  { stage: "commitMs", name: "Commit", about: "frame to disk" },
  { stage: "deliverMs", name: "Deliver", about: "frame to subscriber" },
];

/** What the engine does now. */
export class OverviewView implements View {
  readonly #context: ViewContext;
  readonly #wide = matchMedia("(min-width: 1080px)");
  readonly #onResize = () => this.#context.redraw();

  constructor(context: ViewContext) {
    this.#context = context;
    this.#wide.addEventListener("change", this.#onResize);
  }

  close(): void {
    this.#wide.removeEventListener("change", this.#onResize);
  }

  render(): TemplateResult {
    const { engine } = this.#context;
    const { overview } = engine;
    const header = pageHeader(
      "Overview",
      "What flows in, what is remembered, and who reads it.",
      overview ? pressure(overview) : nothing,
    );
    if (!overview) return html`${header}${engine.error ? nothing : loading(6)}`;
    const isNew = isUntouched(overview);
    return html`${header}
      <section class="card pipeline-card" aria-label="Pipeline">${pipeline(overview, this.#wide.matches)}</section>
      ${isNew ? startPanel("docs") : nothing}
      <section class="tiles" aria-label="Latency">${STAGES.map((stage) => tile(stage, engine, overview))}</section>
      ${ingestPanel(engine, overview)}
      <div class="split"><div class="stack">${jobsCard(engine.running)}${totals(overview)}${extractCard(overview)}</div>${engineCard(overview)}</div>`;
  }
}

function isUntouched({ totals, jobs, ingest }: Overview): boolean {
  return totals.documents === 0 && jobs.running === 0 && ingest.totals.accepted === 0;
}

function pressure({ pressure: value }: Overview): TemplateResult {
  const tone = value >= 0.9 ? "bad" : value >= 0.6 ? "warn" : "good";
  return html`<div class="pressure" data-tone=${tone} title="How full the fullest queue is; at 100 % new work is refused with a time to retry">
    <span>Pressure</span><span class="meter" ${vars({ part: value })}></span><strong>${formatPercent(value)}</strong>
  </div>`;
}

function tile({ stage, name, about }: (typeof STAGES)[number], engine: Engine, { latency }: Overview): TemplateResult {
  const { count, p50, p99 } = latency[stage];
  const value = count === 0 ? html`<span class="tile-none">–</span>` : formatMs(p50);
  return html`<article class="card tile">
    <h2>${name}<span class="tile-about">${about}</span></h2>
    <p class="tile-value">${value}<span class="tile-unit">p50</span></p>
    <p class="tile-detail"><span>p99 <strong>${count === 0 ? "–" : formatMs(p99)}</strong></span><span>${plural(count, "call")}</span></p>
    ${sparkline(count === 0 ? [] : engine.latency[stage].values)}
  </article>`;
}

function jobsCard(jobs: readonly Job[]): TemplateResult {
  const rows =
    jobs.length === 0
      ? html`<p class="quiet">Nothing is being added. <a href="#/jobs">Earlier jobs</a> are kept.</p>`
      : html`<ul class="job-rows" aria-live="polite">${jobs.slice(0, 6).map(jobRow)}</ul>`;
  return html`<section class="card jobs-card"><h2 class="card-title">Running jobs</h2>${rows}</section>`;
}

function jobRow(job: Job): TemplateResult {
  const { job: id, space, stored, failed, total, elapsedMs } = job;
  return html`<li>
    <a class="job-row" href=${`#/jobs/${encodeURIComponent(id)}`}>
      <span class="job-row-name">${space}<code>${id.slice(-6)}</code></span>
      <span class="job-row-count">${formatCount(stored + failed)} of ${formatCount(total)}${failed > 0 ? html`, <em>${formatCount(failed)} failed</em>` : nothing}</span>
      <span class="job-row-time">${formatDuration(elapsedMs)}</span>
      ${progressBar({ stored, failed, total }, `Job in ${space}`)}
    </a>
  </li>`;
}

function engineCard({ memory, queues, subscribers, totals: { streams, spaces } }: Overview): TemplateResult {
  const bar = (name: string, { depth, limit }: { depth: number; limit: number }) =>
    html`<div class="queue"><span>${name}</span><span class="meter" ${vars({ part: depth / Math.max(limit, 1) })}></span><span class="queue-count">${formatCount(depth)} <span>/ ${formatCount(limit)}</span></span></div>`;
  return html`<section class="card engine-card">
    <h2 class="card-title">Queues and memory</h2>
    <div class="queues">${bar("Sources", queues.sources)}${bar("Extract", queues.extract)}${bar("Embed", queues.embed)}${bar("Storage", queues.storage)}</div>
    <dl class="figures figures-compact">
      ${figure("Resident", formatBytes(memory.rssBytes))}${figure("Heap", formatBytes(memory.heapBytes))}${figure("Index", formatBytes(memory.indexBytes))}
      ${figure("Subscribers", formatCount(subscribers))}${figure("Streams", formatCount(streams))}${figure("Spaces", formatCount(spaces))}
    </dl>
  </section>`;
}

function totals({ totals: all, startedMs }: Overview): TemplateResult {
  return html`<section class="card totals" aria-label=${`Totals since ${new Date(startedMs).toISOString()}`}>
    <dl class="figures">
      ${figure("Sources", formatCount(all.sources))}${figure("Documents", formatCount(all.documents))}${figure("Failed", formatCount(all.failed))}${figure("Chunks", formatCount(all.chunks))}
      ${figure("Bytes", formatBytes(all.bytes))}${figure("Frames", formatCount(all.frames))}${figure("Deliveries", formatCount(all.deliveries))}${figure("Recalls", formatCount(all.recalls))}
    </dl>
  </section>`;
}
