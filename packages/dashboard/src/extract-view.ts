import { MillraceError, type PageDocument, type ReadMode } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { ExtractResult } from "./extract-result.ts";
import { icon } from "./icons.ts";
import { HTML_CHARS_MAX } from "./limits.ts";
import type { Route } from "./route.ts";
import { emptyState, errorPanel, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const MODES: readonly { readonly mode: Exclude<ReadMode, "selectors">; readonly about: string }[] = [
  { mode: "article", about: "The main text" },
  { mode: "full", about: "All visible text" },
  { mode: "metadata", about: "What the page says about itself" },
  { mode: "links", about: "Every link of the page" },
];

type Kind = "address" | "html";
type Answer =
  | { readonly state: "none" }
  | { readonly state: "reading" }
  | { readonly state: "read"; readonly document: PageDocument }
  | { readonly state: "failed"; readonly error: MillraceError };

/** Reads a page as the engine does, and shows what was kept, what was dropped, and why. Address and mode live in the page's own address. */
export class ExtractView implements View {
  readonly #context: ViewContext;
  readonly #result: ExtractResult;
  #kind: Kind = "address";
  #url: string;
  #html = "";
  #mode: ReadMode;
  #answer: Answer = { state: "none" };
  #abort = new AbortController();

  constructor(context: ViewContext, { params }: Route) {
    this.#context = context;
    this.#result = new ExtractResult(context.redraw);
    this.#url = params.url ?? "";
    this.#mode = modeOf(params.mode);
    if (this.#url !== "") void this.#read();
  }

  update({ params }: Route): void {
    this.#url = params.url ?? "";
    this.#mode = modeOf(params.mode);
    this.#kind = "address";
    if (this.#url === "") this.#answer = { state: "none" };
    else void this.#read();
  }

  close(): void {
    this.#abort.abort();
  }

  render(): TemplateResult {
    const about = "A page or some HTML, read as the engine reads it: what is kept, what is dropped, and why.";
    return html`${pageHeader("Extract", about)} ${this.#form()}
      <div class="answers" aria-live="polite">${this.#shown()}</div>`;
  }

  #form(): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      this.#commit();
    };
    return html`<form class="ask-form" @submit=${submit}>
      ${this.#kind === "address" ? this.#addressBox() : this.#htmlBox()}
      <div class="ask-options">${this.#kindSwitch()}${this.#modeSwitch()}</div>
    </form>`;
  }

  #addressBox(): TemplateResult {
    const input = (event: InputEvent) => {
      this.#url = (event.target as HTMLInputElement).value.trim();
    };
    return html`<div class="ask-box">
      ${icon("link")}
      <input id="extract-url" data-testid="extract-url" type="url" required maxlength="8192" autocomplete="off" spellcheck="false"
        aria-label="Address of a page or PDF" placeholder="https://" .value=${this.#url} @input=${input} />
      <button class="button button-primary" type="submit" data-testid="extract-submit">Extract</button>
    </div>`;
  }

  #htmlBox(): TemplateResult {
    const input = (event: InputEvent) => {
      this.#html = (event.target as HTMLTextAreaElement).value;
    };
    return html`<div class="extract-paste">
      <textarea class="input mono" data-testid="extract-html" rows="8" required maxlength=${HTML_CHARS_MAX} spellcheck="false"
        aria-label="HTML of a page" placeholder="Paste the HTML of a page" .value=${this.#html} @input=${input}></textarea>
      <button class="button button-primary" type="submit" data-testid="extract-submit">Extract</button>
    </div>`;
  }

  #kindSwitch(): TemplateResult {
    const choose = (kind: Kind) => () => {
      this.#kind = kind;
      this.#context.redraw();
    };
    const radio = (kind: Kind, name: string) =>
      html`<label><input type="radio" name="kind" value=${kind} .checked=${kind === this.#kind} @change=${choose(kind)} /><span>${name}</span></label>`;
    return html`<fieldset class="segments"><legend class="sr-only">What to read</legend>${radio("address", "Address")}${radio("html", "HTML")}</fieldset>`;
  }

  #modeSwitch(): TemplateResult {
    const choose = (mode: ReadMode) => () => {
      this.#mode = mode;
      if (this.#kind === "address" ? this.#url !== "" : this.#html !== "") this.#commit();
      else this.#context.redraw();
    };
    return html`<fieldset class="segments"><legend class="sr-only">What to take of it</legend>
      ${MODES.map(({ mode, about }) => html`<label title=${about}><input type="radio" name="mode" value=${mode} .checked=${mode === this.#mode} @change=${choose(mode)} /><span>${mode}</span></label>`)}
    </fieldset>`;
  }

  #commit(): void {
    const params = { url: this.#url, mode: this.#mode };
    if (this.#kind === "html") void this.#read();
    else if (location.hash.includes(new URLSearchParams(params).toString())) void this.#read();
    else this.#context.go({ view: "extract", params });
  }

  async #read(): Promise<void> {
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#answer = { state: "reading" };
    this.#context.redraw();
    const source = this.#kind === "html" ? { html: this.#html } : this.#url;
    // Shown as far as it goes: the reason and the gate's evidence say what is missing.
    const options = { mode: this.#mode, explain: true, allowDegraded: true, signal: abort.signal };
    try {
      const document = await this.#context.engine.client.extract(source, options);
      if (!abort.signal.aborted) this.#answer = { state: "read", document };
    } catch (error) {
      if (!abort.signal.aborted) this.#answer = { state: "failed", error: MillraceError.from(error) };
    }
    this.#context.redraw();
  }

  #shown(): unknown {
    const answer = this.#answer;
    if (answer.state === "reading") return loading(4);
    if (answer.state === "failed") return errorPanel(answer.error, () => void this.#read());
    if (answer.state === "read") return this.#result.render(answer.document);
    const text =
      "Nothing is remembered: the page is fetched as its site’s robots.txt allows, read, and kept in the cache of pages only.";
    return emptyState({ icon: "extract", title: "What does the engine make of a page?", text, body: nothing });
  }
}

function modeOf(text: string | undefined): ReadMode {
  return MODES.find(({ mode }) => mode === text)?.mode ?? "article";
}
