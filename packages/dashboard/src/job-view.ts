import { type Job, MillraceError } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, formatCount, formatDuration, formatPercent, plural } from "./format.ts";
import { frameList } from "./frame-list.ts";
import { icon } from "./icons.ts";
import { applyEntity, applyFrame, emptyJob, type JobModel } from "./job-model.ts";
import { FRAMES_SHOWN_MAX, TIMELINE_PAGES_MAX } from "./limits.ts";
import { SourceTable } from "./source-table.ts";
import { Tail } from "./tail.ts";
import { badge, errorPanel, figure, loading, pageHeader, progressBar } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

/** One job, live. A reload shows the same: the snapshot of its timeline first, then every frame after it. */
export class JobView implements View {
  readonly #context: ViewContext;
  readonly #id: string;
  readonly #model: JobModel = emptyJob();
  readonly #tail: Tail;
  readonly #table: SourceTable;
  #job: Job | undefined;
  #error: MillraceError | undefined;
  #acting: string | undefined;
  #isClosed = false;

  constructor(context: ViewContext, id: string) {
    this.#context = context;
    this.#id = id;
    this.#table = new SourceTable(context.redraw);
    const apply = (frame: Parameters<typeof applyFrame>[1]) => {
      const { state } = this.#model;
      applyFrame(this.#model, frame);
      if (state !== this.#model.state) void this.#loadJob();
    };
    this.#tail = new Tail({ client: context.engine.client, stream: `job:${id}`, apply, changed: context.redraw });
    void this.#load();
  }

  close(): void {
    this.#isClosed = true;
    this.#tail.close();
  }

  render(): TemplateResult {
    const { state } = this.#model;
    const back = html`<a class="back" href="#/jobs">${icon("back")} Jobs</a>`;
    const about = this.#job
      ? html`Into <a href=${`#/spaces/${encodeURIComponent(this.#job.space)}`}>${this.#job.space}</a> · <code>${this.#id}</code>`
      : html`<code>${this.#id}</code>`;
    const header = html`${back}${pageHeader("Job", about, this.#job ? this.#actions(this.#job) : nothing)}`;
    if (!this.#job)
      return html`${header}${this.#error ? errorPanel(this.#error, () => void this.#load()) : loading(6)}`;
    return html`${header} ${this.#error ? errorPanel(this.#error) : nothing}
      <section class="card job-card" aria-label="Progress">
        <div class="job-line"><span aria-live="polite" data-testid="job-state">${badge(state)}</span>${this.#summary()}</div>
        ${progressBar(this.#model, "This job")} ${this.#figures()}
      </section>
      ${this.#ended(this.#job)}
      <div class="split split-job">
        <section class="card"><h2 class="card-title">Sources</h2>${this.#table.render(this.#model)}</section>
        <section class="card"><h2 class="card-title">Frames</h2>${frameList(this.#tail)}</section>
      </div>`;
  }

  async #load(): Promise<void> {
    this.#error = undefined;
    try {
      const { client } = this.#context.engine;
      this.#job = await client.job(this.#id).get();
      Object.assign(this.#model, countsOf(this.#job));
      const stream = client.stream(`job:${this.#id}`);
      let page = await stream.timeline({ limit: 1_000 });
      let asOfSeq = page.asOfSeq;
      const { epoch } = page;
      for (const entity of page.entities) applyEntity(this.#model, entity);
      for (let read = 1; page.next !== undefined && read < TIMELINE_PAGES_MAX; read++) {
        page = await stream.timeline({ limit: 1_000, after: page.next });
        asOfSeq = Math.min(asOfSeq, page.asOfSeq);
        for (const entity of page.entities) applyEntity(this.#model, entity);
      }
      // Some frames before the snapshot are read too, to show them; what it covers already they do not change.
      if (!this.#isClosed) this.#tail.start(`${epoch}:${Math.max(0, asOfSeq - FRAMES_SHOWN_MAX)}`);
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#context.redraw();
  }

  async #loadJob(): Promise<void> {
    try {
      this.#job = await this.#context.engine.client.job(this.#id).get();
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#context.redraw();
  }

  async #act(name: "cancel" | "resume"): Promise<void> {
    this.#acting = name;
    this.#error = undefined;
    this.#context.redraw();
    try {
      const job = await this.#context.engine.client.job(this.#id)[name]();
      if (name === "resume") this.#context.go({ view: "jobs", id: job.job });
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#acting = undefined;
    this.#context.redraw();
  }

  #actions({ resumedBy }: Job): unknown {
    const { state } = this.#model;
    const isBusy = this.#acting !== undefined;
    if (state === "running") {
      return html`<button class="button" type="button" data-testid="job-cancel" ?disabled=${isBusy} @click=${() => void this.#act("cancel")}>Cancel job</button>`;
    }
    if (state !== "interrupted" || resumedBy) return nothing;
    return html`<button class="button button-primary" type="button" data-testid="job-resume" ?disabled=${isBusy} @click=${() => void this.#act("resume")}>Resume job</button>`;
  }

  #summary(): TemplateResult {
    const { state, stored, failed, total, etaMs } = this.#model;
    const part = total === 0 ? 0 : (stored + failed) / total;
    const eta =
      state === "running" && etaMs !== undefined
        ? html`<span class="job-eta">about ${formatDuration(etaMs)} left</span>`
        : nothing;
    return html`<strong class="job-part" data-testid="job-part">${formatPercent(part)}</strong><span class="job-count" data-testid="job-count">${formatCount(stored + failed)} of ${plural(total, "source")}</span>${eta}`;
  }

  #figures(): TemplateResult {
    const { stored, failed, total, chunks, bytes, elapsedMs } = this.#model;
    const perSecond = elapsedMs > 0 ? (stored / elapsedMs) * 1000 : 0;
    return html`<dl class="figures">
      ${figure("Stored", formatCount(stored))}${figure("Failed", failed > 0 ? html`<span class="bad">${formatCount(failed)}</span>` : "0")}${figure("Open", formatCount(total - stored - failed))}
      ${figure("Chunks", formatCount(chunks))}${figure("Bytes", formatBytes(bytes))}${figure("Rate", `${perSecond.toFixed(1)}/s`)}${figure("Elapsed", formatDuration(elapsedMs))}
    </dl>`;
  }

  #ended({ resumes, resumedBy, open }: Job): unknown {
    const { state, reason, error } = this.#model;
    const link = (id: string) => html`<a href=${`#/jobs/${encodeURIComponent(id)}`}><code>${id.slice(-6)}</code></a>`;
    const from = resumes ? html`<p class="note">Took over the open sources of ${link(resumes)}.</p>` : nothing;
    if (state === "error" && error) return html`${from}${errorPanel(new MillraceError(error.code, error.message))}`;
    if (state !== "interrupted") return from;
    const why =
      { restart: "The engine was restarted", cancelled: "It was cancelled", abandoned: "Its uploads stopped coming" }[
        reason ?? ""
      ] ?? "It stopped";
    const next = resumedBy
      ? html`Resumed as ${link(resumedBy)}.`
      : html`What is stored stays stored; resume it to go on with the ${plural(open, "source")} left.`;
    return html`${from}<p class="note note-warn" role="status">${icon("alert")}<span>${why}. ${next}</span></p>`;
  }
}

function countsOf({ state, total, stored, failed, chunks, bytes, elapsedMs }: Job): Partial<JobModel> {
  return { state, total, stored, failed, chunks, bytes, elapsedMs };
}
