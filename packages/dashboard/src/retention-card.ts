import { isReservedStream, MillraceError, type RetentionPolicy, type StreamEntry, toStreamId } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatPolicy, parsePolicy, policyFields } from "./policy.ts";
import { type Content, errorPanel } from "./ui.ts";

export type RetentionCardOptions = {
  /** Keeps no more of the stream than this; with null what the engine keeps of any. */
  readonly retain: (policy: RetentionPolicy | null) => Promise<unknown>;
  readonly redraw: () => void;
};

/** What of a stream is kept, and a form to change it. */
export class RetentionCard {
  readonly #options: RetentionCardOptions;
  #isEditing = false;
  #isSaving = false;
  #error: MillraceError | undefined;

  constructor(options: RetentionCardOptions) {
    this.#options = options;
  }

  render({ stream, retention }: StreamEntry): Content {
    if (!retention) return nothing;
    if (isReservedStream(toStreamId(stream)))
      return html`<p class="quiet retention-own">This stream is the engine's own: it is kept as long as what it belongs to.</p>`;
    const { policy, isDefault } = retention;
    return html`<div class="retention" data-testid="retention">
      <p><span class="retention-label">Keeps</span> <strong>${formatPolicy(policy)}</strong> <span class="quiet">· ${isDefault ? "the engine's default" : "its own policy"}</span></p>
      <button class="button button-small" type="button" data-testid="retention-edit" aria-expanded=${this.#isEditing} @click=${() => this.#toggle()}>${this.#isEditing ? "Close" : "Change"}</button>
      ${this.#isEditing ? this.#form(policy, isDefault) : nothing} ${this.#error ? errorPanel(this.#error) : nothing}
    </div>`;
  }

  #form(policy: RetentionPolicy, isDefault: boolean): TemplateResult {
    const fields = policyFields(policy);
    const field = (name: string, label: string, example: string) =>
      html`<label class="field">${label}<input class="input" name=${name} .defaultValue=${fields[name] ?? ""} placeholder=${example} autocomplete="off" spellcheck="false" data-testid=${`retention-${name}`} /></label>`;
    const submit = (event: SubmitEvent) => {
      event.preventDefault();
      const given = new FormData(event.currentTarget as HTMLFormElement);
      const text = (name: string) => String(given.get(name) ?? "");
      void this.#save(() => parsePolicy(text("age"), text("bytes"), text("frames")));
    };
    return html`<form class="retention-form" @submit=${submit}>
      ${field("age", "Frames no older than", "7d")} ${field("bytes", "No more than", "100MB")} ${field("frames", "The newest frames", "10000")}
      <div class="retention-actions">
        <button class="button button-small button-primary" type="submit" data-testid="retention-save" ?disabled=${this.#isSaving}>Keep this</button>
        <button class="button button-small" type="button" data-testid="retention-default" ?disabled=${this.#isSaving || isDefault} @click=${() => void this.#save(() => null)}>Use the default</button>
      </div>
      <p class="quiet">Frames go, oldest first, while any bound is passed, and do not come back. An empty field is no bound.</p>
    </form>`;
  }

  #toggle(): void {
    this.#isEditing = !this.#isEditing;
    this.#error = undefined;
    this.#options.redraw();
  }

  async #save(read: () => RetentionPolicy | null): Promise<void> {
    this.#isSaving = true;
    this.#error = undefined;
    this.#options.redraw();
    try {
      await this.#options.retain(read());
      this.#isEditing = false;
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#isSaving = false;
    this.#options.redraw();
  }
}
