import type { DocumentPage, Space, StoredDocument } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { DocumentDrawer } from "./document-drawer.ts";
import { formatAgo, formatBytes, formatCount, formatDuration } from "./format.ts";
import { icon } from "./icons.ts";
import { DOCUMENTS_SHOWN } from "./limits.ts";
import { Loader } from "./loader.ts";
import { sourceLabel } from "./source-link.ts";
import { errorPanel, figure, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const REFRESH_MS = 2_000;

/** One space and its documents. */
export class SpaceView implements View {
  readonly #name: string;
  readonly #space: Loader<Space>;
  readonly #page: Loader<DocumentPage>;
  readonly #drawer: DocumentDrawer;
  /** The `after` of this page and of those before it. */
  #trail: string[] = [];

  constructor(context: ViewContext, name: string) {
    this.#name = name;
    const space = context.engine.client.space(name);
    this.#drawer = new DocumentDrawer(context);
    this.#space = new Loader((signal) => context.engine.client.spaces.get(name, { signal }), context.redraw);
    const page = (signal: AbortSignal) =>
      space.documents({ after: this.#trail.at(-1), limit: DOCUMENTS_SHOWN, signal });
    this.#page = new Loader(page, context.redraw);
    void this.#space.load(REFRESH_MS);
    void this.#page.load(REFRESH_MS);
  }

  close(): void {
    this.#space.close();
    this.#page.close();
    this.#drawer.close();
  }

  render(): TemplateResult {
    const space = this.#space.value;
    const ask = html`<a class="button button-primary" href=${`#/ask?space=${encodeURIComponent(this.#name)}`}>${icon("ask")} Ask this space</a>`;
    const about = space
      ? `${space.embedding.provider} · ${space.embedding.model} · ${space.embedding.dims} dimensions`
      : "";
    const error = this.#space.error ?? this.#page.error;
    return html`<a class="back" href="#/spaces">${icon("back")} Spaces</a>${pageHeader(this.#name, about, ask)}
      ${error ? errorPanel(error) : nothing} ${space ? facts(space) : error ? nothing : loading(2)}
      ${this.#page.value ? this.#documents(this.#page.value) : nothing} ${this.#drawer.render()}`;
  }

  #documents({ documents, next }: DocumentPage): TemplateResult {
    const turn = (trail: string[]) => () => {
      this.#trail = trail;
      void this.#page.load(REFRESH_MS);
    };
    const pages = html`<nav class="pages" aria-label="Pages of documents">
      <button class="button button-small" type="button" ?disabled=${this.#trail.length === 0} @click=${turn(this.#trail.slice(0, -1))}>Previous</button>
      <span>Page ${this.#trail.length + 1}</span>
      <button class="button button-small" type="button" ?disabled=${next === undefined} @click=${turn([...this.#trail, next ?? ""])}>Next</button>
    </nav>`;
    return html`<section class="card table-card" aria-label="Documents"><table class="table">
        <thead><tr><th scope="col">Document</th><th scope="col">Type</th><th scope="col" class="number">Chunks</th><th scope="col" class="number">Bytes</th><th scope="col" class="number">Added</th></tr></thead>
        <tbody>${documents.map((document) => this.#row(document))}</tbody>
      </table></section>${next !== undefined || this.#trail.length > 0 ? pages : nothing}`;
  }

  #row(document: StoredDocument): TemplateResult {
    const { title, source, contentType, chunks, bytes, addedMs } = document;
    const name = sourceLabel(source);
    return html`<tr data-testid="document-row">
      <th scope="row"><button class="row-link" type="button" @click=${() => void this.#drawer.open(this.#name, document)}>${title || name}</button><span class="row-about" title=${source}>${name}</span></th>
      <td data-label="Type">${contentType.split(";")[0]}</td><td class="number" data-label="Chunks">${formatCount(chunks)}</td>
      <td class="number" data-label="Bytes">${formatBytes(bytes)}</td><td class="number" data-label="Added">${formatAgo(addedMs, Date.now())}</td>
    </tr>`;
  }
}

function facts({ documents, chunks, bytes, createdMs, indexedSeq, headSeq }: Space): TemplateResult {
  const behind = headSeq - indexedSeq;
  return html`<section class="card"><dl class="figures">
    ${figure("Documents", formatCount(documents))}${figure("Chunks", formatCount(chunks))}${figure("Bytes", formatBytes(bytes))}
    ${figure("Index", behind > 0 ? `${formatCount(behind)} behind` : "up to date")}${figure("Age", formatDuration(Date.now() - createdMs))}
  </dl></section>`;
}
