/** One passage: what it says, where it stands, and why it was chosen. */
import type { RecallResult } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { vars } from "./directives.ts";
import { cutAtMatches } from "./highlight.ts";
import { icon } from "./icons.ts";
import { sourceHref, sourceLabel } from "./source-link.ts";

export function resultCard(result: RecallResult, at: number, open: (result: RecallResult) => void): TemplateResult {
  const { title, headings, text, highlights, score } = result;
  const path = headings.filter((heading, level) => !(level === 0 && heading === title));
  const keydown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.target !== event.currentTarget) return;
    event.preventDefault();
    open(result);
  };
  return html`<li>
    <article class="card result" tabindex="0" data-testid="result-card" aria-label=${`${at + 1}. ${title}`} @keydown=${keydown}>
      <header class="result-head">
        <span class="result-rank">${at + 1}</span>
        <div class="result-titles">
          <h2><button type="button" class="result-title" data-testid="result-open" @click=${() => open(result)}>${title || sourceLabel(result.source)}</button></h2>
          ${path.length > 0 ? html`<p class="crumbs">${path.map((heading) => html`<span>${heading}</span>`)}</p>` : nothing}
        </div>
        ${scoreBar(result, score)}
      </header>
      <p class="passage">${marked(text, highlights)}</p>
      <footer class="result-foot">${sourceLine(result)}${why(result)}</footer>
    </article>
  </li>`;
}

export function marked(text: string, highlights: readonly (readonly number[])[]): unknown {
  return cutAtMatches(text, highlights).map((piece) => (piece.isMatch ? html`<mark>${piece.text}</mark>` : piece.text));
}

function scoreBar({ terms }: RecallResult, score: number): TemplateResult {
  const text = terms.text?.share ?? 0;
  const vector = terms.vector?.share ?? 0;
  const spoken = `Score ${score.toFixed(2)}: words ${text.toFixed(2)}, meaning ${vector.toFixed(2)}`;
  return html`<div class="score" role="img" tabindex="0" aria-label=${spoken}>
    <span class="score-value">${score.toFixed(2)}</span>
    <span class="score-bar" ${vars({ words: Math.min(1, text), meaning: Math.min(1, vector) })}><span class="score-text"></span><span class="score-vector"></span></span>
    <span class="score-tip" aria-hidden="true"><span class="key-text">words ${text.toFixed(2)}</span><span class="key-vector">meaning ${vector.toFixed(2)}</span></span>
  </div>`;
}

function sourceLine({ source, page }: RecallResult): TemplateResult {
  const href = sourceHref(source, page);
  const label = html`<span class="source-name">${sourceLabel(source)}</span>${page === undefined ? nothing : html`<span class="source-page">page ${page}</span>`}`;
  return href === undefined
    ? html`<span class="source" title=${source} data-testid="result-source">${icon("document")}${label}</span>`
    : html`<a class="source" href=${href} target="_blank" rel="noopener noreferrer" title=${source} data-testid="result-source">${icon("link")}${label}</a>`;
}

function why({ terms: { text, vector }, chunk, start, end }: RecallResult): TemplateResult {
  const row = (name: string, key: string, cells: readonly string[]) =>
    html`<tr><th scope="row" class=${key}>${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  const none = ["–", "not in this list", "–", "–"];
  return html`<details class="why">
    <summary>Why this</summary>
    <table>
      <thead><tr><th scope="col">List</th><th scope="col">Rank</th><th scope="col">Measure</th><th scope="col">Weight</th><th scope="col">Share</th></tr></thead>
      <tbody>
        ${row("Words", "key-text", text ? [`${text.rank}`, `BM25 ${text.bm25.toFixed(2)}`, text.weight.toFixed(2), text.share.toFixed(3)] : none)}
        ${row("Meaning", "key-vector", vector ? [`${vector.rank}`, `similarity ${vector.similarity.toFixed(3)}`, vector.weight.toFixed(2), vector.share.toFixed(3)] : none)}
      </tbody>
    </table>
    <p>Chunk ${chunk}, characters ${start.toLocaleString("en")} to ${end.toLocaleString("en")} of the text.</p>
  </details>`;
}
