import { MillraceError, type RecallMode, type RecallResponse, type RecallResult, type Space } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { AddPanel } from "./add-panel.ts";
import { DocumentDrawer } from "./document-drawer.ts";
import { formatCount, formatMs, plural } from "./format.ts";
import { commands } from "./get-started.ts";
import { icon } from "./icons.ts";
import { RESULTS } from "./limits.ts";
import { resultCard } from "./result-card.ts";
import type { Route } from "./route.ts";
import { isTyping } from "./typing.ts";
import { emptyState, errorPanel, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const MODES: readonly { readonly mode: RecallMode; readonly about: string }[] = [
  { mode: "hybrid", about: "By words and by meaning" },
  { mode: "text", about: "By words alone" },
  { mode: "vector", about: "By meaning alone" },
];

type Answer =
  | { readonly state: "none" }
  | { readonly state: "asking" }
  | { readonly state: "answered"; readonly response: RecallResponse }
  | { readonly state: "failed"; readonly error: MillraceError };

/** Ask, and see the passages with their sources. The question, space and mode live in the address. */
export class AskView implements View {
  readonly #context: ViewContext;
  readonly #drawer: DocumentDrawer;
  readonly #add: AddPanel;
  #spaces: readonly Space[] | undefined;
  #answer: Answer = { state: "none" };
  #asked = "";
  #query: string;
  #space: string;
  #mode: RecallMode;
  #isAdding: boolean;
  #abort = new AbortController();

  constructor(context: ViewContext, route: Route) {
    this.#context = context;
    this.#drawer = new DocumentDrawer(context);
    this.#add = new AddPanel(context, () => void this.#loadSpaces());
    this.#query = route.params.q ?? "";
    this.#space = route.params.space ?? "";
    this.#mode = MODES.find(({ mode }) => mode === route.params.mode)?.mode ?? "hybrid";
    this.#isAdding = route.params.add === "1";
    void this.#begin();
  }

  update({ params }: Route): void {
    this.#query = params.q ?? "";
    this.#space = params.space ?? this.#space;
    this.#mode = MODES.find(({ mode }) => mode === params.mode)?.mode ?? "hybrid";
    this.#isAdding = params.add === "1";
    void this.#ask();
  }

  close(): void {
    this.#abort.abort();
    this.#drawer.close();
  }

  keydown({ key, target }: KeyboardEvent): boolean {
    if (key === "Escape" && this.#drawer.isOpen) {
      this.#drawer.close();
      return true;
    }
    if (isTyping(target)) return false;
    if (key === "/") document.querySelector<HTMLInputElement>("#ask-input")?.select();
    else if (key === "j") moveFocus(1);
    else if (key === "k") moveFocus(-1);
    else return false;
    return true;
  }

  render(): TemplateResult {
    const toggle = html`<button class="button" type="button" aria-expanded=${this.#isAdding} data-testid="add-toggle" @click=${() => this.#toggleAdd()}>
      ${icon("upload")} Add to memory
    </button>`;
    return html`${pageHeader("Ask", "Questions are answered with passages, each with where it stands.", toggle)}
      ${this.#isAdding ? this.#add.render(this.#space || "docs") : nothing} ${this.#form()}
      <div class="answers" aria-live="polite">${this.#answers()}</div>
      ${this.#drawer.render()}`;
  }

  async #begin(): Promise<void> {
    // Two frames on, the input has been drawn. An answer in the address is there to be read: then keys move through it.
    if (this.#query === "") requestAnimationFrame(() => requestAnimationFrame(focusInput));
    await this.#loadSpaces();
    await this.#ask();
  }

  async #loadSpaces(): Promise<void> {
    try {
      this.#spaces = await this.#context.engine.client.spaces.list();
      const fullest = [...this.#spaces].sort((a, b) => b.chunks - a.chunks)[0];
      if (this.#space === "" && fullest) this.#space = fullest.name;
    } catch (error) {
      this.#answer = { state: "failed", error: MillraceError.from(error) };
    }
    this.#context.redraw();
  }

  async #ask(): Promise<void> {
    const query = this.#query.trim();
    const asked = JSON.stringify([query, this.#space, this.#mode]);
    if (query === "" || this.#space === "") this.#answer = { state: "none" };
    if (query === "" || this.#space === "" || asked === this.#asked) return;
    this.#asked = asked;
    this.#abort.abort();
    const abort = new AbortController();
    this.#abort = abort;
    if (this.#answer.state !== "answered") this.#answer = { state: "asking" };
    this.#context.redraw();
    const answer = await this.#recall(query, abort.signal);
    if (abort.signal.aborted) return;
    this.#answer = answer;
    if (answer.state === "failed") this.#asked = "";
    this.#context.redraw();
  }

  async #recall(query: string, signal: AbortSignal): Promise<Answer> {
    try {
      const space = this.#context.engine.client.space(this.#space);
      return { state: "answered", response: await space.recall({ query, k: RESULTS, mode: this.#mode }, { signal }) };
    } catch (error) {
      return { state: "failed", error: MillraceError.from(error) };
    }
  }

  /** Puts what is asked into the address; the address then asks. */
  #commit(change: { q?: string; space?: string; mode?: RecallMode } = {}): void {
    const { q = this.#query, space = this.#space, mode = this.#mode } = change;
    this.#context.go({ view: "ask", params: { q, space, mode: mode === "hybrid" ? "" : mode } });
    if (this.#answer.state === "failed") void this.#ask();
  }

  #toggleAdd(): void {
    this.#isAdding = !this.#isAdding;
    this.#context.redraw();
  }

  #form(): TemplateResult {
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      this.#commit();
    };
    const input = (event: InputEvent) => {
      this.#query = (event.target as HTMLInputElement).value;
    };
    return html`<form class="ask-form" role="search" @submit=${submit}>
      <div class="ask-box">
        ${icon("ask")}
        <input id="ask-input" data-testid="ask-input" type="search" maxlength="8192" autocomplete="off" spellcheck="false"
          aria-label="Question" placeholder="Ask anything that was added" .value=${this.#query} @input=${input} />
        <kbd class="ask-key" aria-hidden="true">/</kbd>
        <button class="button button-primary" type="submit" data-testid="ask-submit">Ask</button>
      </div>
      <div class="ask-options">${this.#spacePicker()}${this.#modeSwitch()}</div>
    </form>`;
  }

  #spacePicker(): TemplateResult {
    const spaces = this.#spaces ?? [];
    const names =
      spaces.some(({ name }) => name === this.#space) || this.#space === ""
        ? spaces.map(({ name }) => name)
        : [this.#space, ...spaces.map(({ name }) => name)];
    const change = (event: Event) => this.#commit({ space: (event.target as HTMLSelectElement).value });
    return html`<label class="picker">Space
      <select data-testid="space-picker" @change=${change} ?disabled=${names.length === 0}>
        ${names.length === 0 ? html`<option>none yet</option>` : names.map((name) => html`<option value=${name} ?selected=${name === this.#space}>${name}</option>`)}
      </select>
    </label>`;
  }

  #modeSwitch(): TemplateResult {
    return html`<fieldset class="segments"><legend class="sr-only">How to search</legend>
      ${MODES.map(({ mode, about }) => html`<label title=${about}><input type="radio" name="mode" value=${mode} .checked=${mode === this.#mode} @change=${() => this.#commit({ mode })} /><span>${mode}</span></label>`)}
    </fieldset>`;
  }

  #answers(): unknown {
    const answer = this.#answer;
    if (answer.state === "asking") return loading(4);
    if (answer.state === "failed") return errorPanel(answer.error, () => void this.#ask());
    if (answer.state === "answered") return this.#results(answer.response);
    if (this.#spaces === undefined) return loading(4);
    return this.#spaces.every(({ documents }) => documents === 0)
      ? teach(this.#space || "docs")
      : invite(this.#spaces, this.#space);
  }

  #results({ results, space, mode, tookMs, timings, chunks }: RecallResponse): TemplateResult {
    const open = (result: RecallResult) => void this.#drawer.open(space, result);
    const parts = `embed ${formatMs(timings.embedMs)} · text ${formatMs(timings.textMs)} · vector ${formatMs(timings.vectorMs)}`;
    const line = html`<p class="answer-line" data-testid="answer-line">
      <span>${plural(results.length, "passage")} from ${plural(chunks, "chunk")} in <strong title=${parts}>${formatMs(tookMs)}</strong></span>
      <span class="answer-keys"><kbd>j</kbd><kbd>k</kbd> move <kbd>Enter</kbd> open</span>
    </p>`;
    if (results.length > 0)
      return html`${line}<ol class="results" data-testid="results">${results.map((result, at) => resultCard(result, at, open))}</ol>`;
    const other = mode === "hybrid" ? "other words" : "hybrid mode or other words";
    return emptyState({
      icon: "ask",
      title: "No passage matches",
      text: `Nothing in ${space} comes close. Try ${other}, or another space.`,
    });
  }
}

function teach(space: string): TemplateResult {
  const text =
    "Drop files with “Add to memory”, or use one of these. Questions can be asked while documents still arrive.";
  return emptyState({ icon: "spaces", title: "Nothing is remembered yet", text, body: commands(space) });
}

function invite(spaces: readonly Space[], chosen: string): TemplateResult {
  const space = spaces.find(({ name }) => name === chosen);
  const text = space
    ? html`<strong>${space.name}</strong> holds ${formatCount(space.documents)} documents in ${formatCount(space.chunks)} chunks. Ask in your own words; exact names, codes and phrases count too.`
    : "Choose a space and ask in your own words.";
  const body = html`<ul class="hints"><li><kbd>/</kbd> to the question</li><li><kbd>j</kbd> <kbd>k</kbd> through the passages</li><li><kbd>Enter</kbd> opens the document at the passage</li><li><kbd>Esc</kbd> closes it</li></ul>`;
  return emptyState({ icon: "ask", title: "What do you want to know?", text, body });
}

function moveFocus(step: number): void {
  const cards = [...document.querySelectorAll<HTMLElement>("[data-testid=result-card]")];
  const at = cards.findIndex((card) => card.contains(document.activeElement));
  cards[Math.max(0, Math.min(cards.length - 1, at + step))]?.focus();
}

function focusInput(): void {
  document.querySelector<HTMLInputElement>("#ask-input")?.focus({ preventScroll: true });
}
