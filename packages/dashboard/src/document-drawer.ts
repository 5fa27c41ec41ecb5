import { MillraceError, type RecallResult, type StoredDocument } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, plural } from "./format.ts";
import { icon } from "./icons.ts";
import { sourceHref, sourceLabel } from "./source-link.ts";
import { errorPanel, loading } from "./ui.ts";
import type { ViewContext } from "./view.ts";

export type Passage = Pick<RecallResult, "document" | "title" | "source"> &
  Partial<Pick<RecallResult, "start" | "end" | "page">>;

/** The whole text of a document beside the page, at the passage. A modal dialog: the browser keeps the focus in it and gives it back. */
export class DocumentDrawer {
  readonly #context: ViewContext;
  #passage: Passage | undefined;
  #document: StoredDocument | undefined;
  #error: MillraceError | undefined;

  constructor(context: ViewContext) {
    this.#context = context;
  }

  get isOpen(): boolean {
    return this.#passage !== undefined;
  }

  async open(space: string, passage: Passage): Promise<void> {
    this.#passage = passage;
    this.#document = undefined;
    this.#error = undefined;
    this.#context.redraw();
    requestAnimationFrame(() => requestAnimationFrame(() => this.#show()));
    try {
      const document = await this.#context.engine.client.space(space).document(passage.document);
      if (this.#passage === passage) this.#document = document;
    } catch (error) {
      if (this.#passage === passage) this.#error = MillraceError.from(error);
    }
    this.#context.redraw();
    requestAnimationFrame(() => requestAnimationFrame(scrollToPassage));
  }

  close(): void {
    document.querySelector<HTMLDialogElement>("dialog.drawer")?.close();
    this.#passage = undefined;
    this.#context.redraw();
  }

  render(): TemplateResult {
    const close = () => this.close();
    const outside = (event: MouseEvent) => {
      if (event.target === event.currentTarget) this.close();
    };
    return html`<dialog class="drawer" aria-label="Document" data-testid="document-drawer" @close=${close} @click=${outside}>
      ${this.#passage ? this.#content(this.#passage) : nothing}
    </dialog>`;
  }

  #show(): void {
    const dialog = document.querySelector<HTMLDialogElement>("dialog.drawer");
    if (this.#passage && dialog && !dialog.open) dialog.showModal();
  }

  #content({ title, source, start, end, page }: Passage): TemplateResult {
    const stored = this.#document;
    const href = sourceHref(source, page);
    const name = sourceLabel(source);
    const about = stored
      ? html`<p class="drawer-about">${stored.contentType} · ${formatBytes(stored.bytes)} · ${plural(stored.chunks, "chunk")}</p>`
      : nothing;
    const body = this.#error
      ? errorPanel(this.#error)
      : stored
        ? passageIn(stored.text ?? "", start ?? 0, end ?? 0)
        : loading(12);
    return html`<div class="drawer-panel">
      <header class="drawer-head">
        <div><h2>${title || name}</h2>
          <p class="drawer-source">${href ? html`<a href=${href} target="_blank" rel="noopener noreferrer">${name}</a>` : name}</p>${about}</div>
        <button class="icon-button" type="button" aria-label="Close" @click=${() => this.close()}>${icon("close")}</button>
      </header>
      <div class="drawer-body" tabindex="0">${body}</div>
    </div>`;
  }
}

function passageIn(text: string, start: number, end: number): TemplateResult {
  const passage =
    end > start ? html`<mark class="passage-mark" data-testid="passage">${text.slice(start, end)}</mark>` : nothing;
  return html`<div class="document-text">${text.slice(0, start)}${passage}${text.slice(Math.max(start, end))}</div>`;
}

function scrollToPassage(): void {
  document.querySelector(".passage-mark")?.scrollIntoView({ block: "center" });
}
