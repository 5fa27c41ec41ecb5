import { MillraceError, toSpaceId, type UploadFile } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { vars } from "./directives.ts";
import { filesOf } from "./dropped-files.ts";
import { formatCount, plural } from "./format.ts";
import { icon } from "./icons.ts";
import { FILES_MAX } from "./limits.ts";
import { errorPanel } from "./ui.ts";
import type { ViewContext } from "./view.ts";

type Sending = { readonly total: number; sent: number; failed: number; job: string | undefined; isOver: boolean };

/** Puts files and pages into a space: dropped, chosen, or by address. */
export class AddPanel {
  readonly #context: ViewContext;
  readonly #added: () => void;
  #space: string | undefined;
  #sending: Sending | undefined;
  #error: MillraceError | undefined;
  #isOver = false;

  constructor(context: ViewContext, added: () => void) {
    this.#context = context;
    this.#added = added;
  }

  render(space: string): TemplateResult {
    const chosen = this.#space ?? space;
    const rename = (event: InputEvent) => {
      this.#space = (event.target as HTMLInputElement).value;
    };
    return html`<section class="card add" aria-label="Add to memory">
      ${this.#dropZone(chosen)}
      <div class="add-side">
        <label class="field">Into space<input class="input" .value=${chosen} @input=${rename} maxlength="63" spellcheck="false" data-testid="add-space" /></label>
        <form class="add-url" @submit=${(event: SubmitEvent) => void this.#addUrl(event, chosen)}>
          <label class="field">A page or PDF on the web<input class="input" name="url" type="url" required placeholder="https://" data-testid="add-url" /></label>
          <button class="button" type="submit">Add page</button>
        </form>
      </div>
      ${this.#sending ? this.#progress(this.#sending) : nothing} ${this.#error ? errorPanel(this.#error) : nothing}
    </section>`;
  }

  #dropZone(space: string): TemplateResult {
    const over = (isOver: boolean) => (event: DragEvent) => {
      event.preventDefault();
      if (this.#isOver === isOver) return;
      this.#isOver = isOver;
      this.#context.redraw();
    };
    const drop = async (event: DragEvent) => {
      over(false)(event);
      if (event.dataTransfer) await this.#upload(await filesOf(event.dataTransfer, FILES_MAX), space);
    };
    const choose = async ({ target }: Event) => {
      const input = target as HTMLInputElement;
      const files = [...(input.files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));
      input.value = "";
      await this.#upload(files, space);
    };
    return html`<label class=${this.#isOver ? "drop drop-over" : "drop"} @dragover=${over(true)} @dragleave=${over(false)} @drop=${drop}>
      <input class="sr-only" type="file" multiple data-testid="add-files" @change=${choose} />
      ${icon("upload")}<strong>Drop files or folders, or choose files</strong><span>HTML, PDF, Markdown and plain text</span>
    </label>`;
  }

  #progress({ total, sent, failed, job, isOver }: Sending): TemplateResult {
    const follow = job
      ? html`<a href=${`#/jobs/${encodeURIComponent(job)}`} data-testid="add-job">Follow the job</a>`
      : nothing;
    return html`<div class="add-progress" role="status">
      <span class="meter" ${vars({ part: (sent + failed) / Math.max(1, total) })}></span>
      <span>${isOver ? "Handed over" : "Sending"} ${formatCount(sent)} of ${plural(total, "source")}${failed > 0 ? `, ${formatCount(failed)} refused` : ""}</span>${follow}
    </div>`;
  }

  async #upload(files: readonly { path: string; file: File }[], space: string): Promise<void> {
    if (files.length === 0) return;
    const sending = this.#begin(files.length);
    const uploads = files.map(({ path, file }): UploadFile => {
      return { source: path, bytes: file.size, contentType: file.type || undefined, open: () => file };
    });
    await this.#guard(async () => {
      for await (const event of this.#context.engine.client.space(toSpaceId(space)).upload(uploads)) {
        if (event.kind === "job") sending.job = event.job.job;
        else if (event.kind === "queued") sending.sent++;
        else {
          sending.failed++;
          this.#error = event.error;
        }
        this.#context.redraw();
      }
    });
    sending.isOver = true;
    this.#context.redraw();
  }

  async #addUrl(event: SubmitEvent, space: string): Promise<void> {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const url = String(new FormData(form).get("url"));
    const sending = this.#begin(1);
    await this.#guard(async () => {
      const { job } = await this.#context.engine.client.space(toSpaceId(space)).add([{ url }]);
      Object.assign(sending, { job, sent: 1, isOver: true });
      form.reset();
    });
    if (!sending.isOver) this.#sending = undefined;
    this.#context.redraw();
  }

  #begin(total: number): Sending {
    const sending: Sending = { total, sent: 0, failed: 0, job: undefined, isOver: false };
    this.#sending = sending;
    this.#error = undefined;
    this.#context.redraw();
    return sending;
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#added();
  }
}
