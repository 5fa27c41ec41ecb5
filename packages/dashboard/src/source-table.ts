import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { adviceFor } from "./advice.ts";
import { vars } from "./directives.ts";
import { formatCount, formatMs, plural } from "./format.ts";
import type { JobModel, SourceRow } from "./job-model.ts";
import { ROWS_SHOWN } from "./limits.ts";
import { sourceLabel } from "./source-link.ts";
import { badge } from "./ui.ts";

const FILTERS = ["all", "working", "failed", "stored"] as const;
type Filter = (typeof FILTERS)[number];
const ORDER: Readonly<Record<SourceRow["state"], number>> = { working: 0, failed: 1, stored: 2 };

/** The sources of a job: those at work first, then those that failed with what to do, then those stored. */
export class SourceTable {
  readonly #changed: () => void;
  #filter: Filter = "all";
  #shown = ROWS_SHOWN;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  render(model: JobModel): TemplateResult {
    const all = [...model.rows.values()];
    const rows = all
      .filter(({ state }) => this.#filter === "all" || state === this.#filter)
      .sort((a, b) => ORDER[a.state] - ORDER[b.state] || b.version - a.version);
    const count = (filter: Filter) =>
      filter === "all" ? all.length : all.filter(({ state }) => state === filter).length;
    const waiting = model.state === "running" ? model.total - all.length : 0;
    return html`<fieldset class="segments segments-small"><legend class="sr-only">Which sources</legend>
        ${FILTERS.map((filter) => html`<label><input type="radio" name="source-filter" .checked=${filter === this.#filter} @change=${() => this.#choose(filter)} /><span>${filter} <small>${formatCount(count(filter))}</small></span></label>`)}
      </fieldset>
      ${waiting > 0 ? html`<p class="quiet">${plural(waiting, "source")} not begun yet.</p>` : nothing}
      ${rows.length === 0 ? html`<p class="quiet">None.</p>` : nothing}
      <ul class="sources" data-testid="sources">${repeat(
        rows.slice(0, this.#shown),
        ({ key }) => key,
        (row) => sourceRow(row, model.state === "running"),
      )}</ul>
      ${rows.length > this.#shown ? html`<button class="button button-small more" type="button" @click=${() => this.#more()}>Show more of ${formatCount(rows.length)}</button>` : nothing}`;
  }

  #choose(filter: Filter): void {
    this.#filter = filter;
    this.#shown = ROWS_SHOWN;
    this.#changed();
  }

  #more(): void {
    this.#shown += ROWS_SHOWN;
    this.#changed();
  }
}

function sourceRow(
  { source, state, phase, done, total, chunks, tookMs, isUnchanged, error }: SourceRow,
  isRunning: boolean,
): TemplateResult {
  const part = total ? html`<span class="meter" ${vars({ part: (done ?? 0) / total })}></span>` : nothing;
  const working = html`<span class="source-phase">${phase ?? "begun"}${total ? ` ${formatCount(done ?? 0)} / ${formatCount(total)}` : ""}</span>${part}`;
  const stored = html`<span class="source-phase">${isUnchanged ? "unchanged" : html`${plural(chunks ?? 0, "chunk")}${tookMs === undefined ? nothing : ` · ${formatMs(tookMs)}`}`}</span>`;
  return html`<li class="source-row" data-state=${state}>
    ${badge(state === "working" && !isRunning ? "open" : state)}<span class="source-row-name" title=${source}>${sourceLabel(source)}</span>${state === "working" ? working : state === "stored" ? stored : nothing}
    ${error ? html`<p class="source-error"><span>${error.message}</span> <code class="error-code">${error.code}</code><span class="source-advice">${adviceFor(error.code)}</span></p>` : nothing}
  </li>`;
}
