import type { Space } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, formatCount } from "./format.ts";
import { commands } from "./get-started.ts";
import { icon } from "./icons.ts";
import { Loader } from "./loader.ts";
import { badge, emptyState, errorPanel, figure, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const REFRESH_MS = 2_000;

/** Every memory the engine keeps. */
export class SpacesView implements View {
  readonly #spaces: Loader<Space[]>;

  constructor({ engine, redraw }: ViewContext) {
    this.#spaces = new Loader((signal) => engine.client.spaces.list({ signal }), redraw);
    void this.#spaces.load(REFRESH_MS);
  }

  close(): void {
    this.#spaces.close();
  }

  render(): TemplateResult {
    const { value: spaces, error } = this.#spaces;
    const text = "A space is one isolated memory with its own index. It comes to be with its first document.";
    return html`${pageHeader("Spaces", "Isolated memories, each with its own documents and index.")}
      ${error && !spaces ? errorPanel(error, () => void this.#spaces.load(REFRESH_MS)) : nothing} ${!spaces && !error ? loading(4) : nothing}
      ${spaces?.length === 0 ? emptyState({ icon: "spaces", title: "No spaces yet", text, body: commands("docs") }) : nothing}
      <div class="space-cards">${spaces?.map(card)}</div>`;
  }
}

function card(space: Space): TemplateResult {
  const { name, documents, chunks, bytes, embedding, indexedSeq, headSeq } = space;
  const behind = headSeq - indexedSeq;
  return html`<article class="card space-card" data-testid="space-card">
    <header><h2><a class="cover-link" href=${`#/spaces/${encodeURIComponent(name)}`}>${name}</a></h2>${behind > 0 ? badge(`${formatCount(behind)} to index`) : nothing}</header>
    <dl class="figures figures-compact">${figure("Documents", formatCount(documents))}${figure("Chunks", formatCount(chunks))}${figure("Bytes", formatBytes(bytes))}</dl>
    <footer><span>${embedding.provider} · ${embedding.model} · ${embedding.dims} dims</span><a class="space-ask" href=${`#/ask?space=${encodeURIComponent(name)}`}>${icon("ask")} Ask</a></footer>
  </article>`;
}
