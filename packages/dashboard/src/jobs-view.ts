import type { Job } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatAgo, formatBytes, formatCount, formatDuration } from "./format.ts";
import { commands } from "./get-started.ts";
import { LIST_MAX, POLL_MS } from "./limits.ts";
import { Loader } from "./loader.ts";
import { badge, emptyState, errorPanel, loading, pageHeader, progressBar } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

/** Every job, newest first. */
export class JobsView implements View {
  readonly #jobs: Loader<Job[]>;

  constructor({ engine, redraw }: ViewContext) {
    this.#jobs = new Loader((signal) => engine.client.jobs.list({ limit: LIST_MAX, signal }), redraw);
    void this.#jobs.load(POLL_MS);
  }

  close(): void {
    this.#jobs.close();
  }

  render(): TemplateResult {
    const { value: jobs, error } = this.#jobs;
    const text = "A job is one add: files, pages or texts. Add something and follow it here.";
    return html`${pageHeader("Jobs", "Everything that was added, and what became of it.")}
      ${error && !jobs ? errorPanel(error, () => void this.#jobs.load(POLL_MS)) : nothing}
      ${!jobs && !error ? loading(6) : nothing}
      ${jobs?.length === 0 ? emptyState({ icon: "jobs", title: "No jobs yet", text, body: commands("docs") }) : nothing}
      ${jobs && jobs.length > 0 ? table(jobs) : nothing}`;
  }
}

function table(jobs: readonly Job[]): TemplateResult {
  return html`<div class="card table-card"><table class="table table-jobs">
    <thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col">Progress</th><th scope="col" class="number">Chunks</th><th scope="col" class="number">Bytes</th><th scope="col" class="number">Took</th><th scope="col" class="number">Started</th></tr></thead>
    <tbody>${jobs.map(row)}</tbody>
  </table></div>`;
}

function row(job: Job): TemplateResult {
  const { job: id, space, state, stored, failed, total, chunks, bytes, elapsedMs, createdMs } = job;
  const failures = failed > 0 ? html`, <em class="bad">${formatCount(failed)} failed</em>` : nothing;
  return html`<tr data-testid="job-row">
    <th scope="row"><a class="row-link" href=${`#/jobs/${encodeURIComponent(id)}`}>${space} <code>${id.slice(-6)}</code></a></th>
    <td>${badge(state)}</td>
    <td class="cell-progress">${progressBar({ stored, failed, total }, `Job ${id}`)}<span class="cell-counts">${formatCount(stored)} of ${formatCount(total)}${failures}</span></td>
    <td class="number" data-label="Chunks">${formatCount(chunks)}</td>
    <td class="number" data-label="Bytes">${formatBytes(bytes)}</td>
    <td class="number" data-label="Took">${formatDuration(elapsedMs)}</td>
    <td class="number" data-label="Started"><time datetime=${new Date(createdMs).toISOString()}>${formatAgo(createdMs, Date.now())}</time></td>
  </tr>`;
}
