import { MillraceError } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { frameList } from "./frame-list.ts";
import { icon } from "./icons.ts";
import { FRAMES_SHOWN_MAX } from "./limits.ts";
import { Tail } from "./tail.ts";
import { errorPanel, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

/** One stream: its newest frames, then each as it is written. */
export class StreamView implements View {
  readonly #context: ViewContext;
  readonly #stream: string;
  readonly #tail: Tail;
  #error: MillraceError | undefined;
  #isClosed = false;

  constructor(context: ViewContext, stream: string) {
    this.#context = context;
    this.#stream = stream;
    this.#tail = new Tail({ client: context.engine.client, stream, changed: context.redraw });
    void this.#start();
  }

  close(): void {
    this.#isClosed = true;
    this.#tail.close();
  }

  render(): TemplateResult {
    const name = html`<span class="mono">${this.#stream}</span>`;
    return html`<a class="back" href="#/streams">${icon("back")} Streams</a>
      ${pageHeader("Stream", name)} ${this.#error ? errorPanel(this.#error, () => void this.#start()) : nothing}
      <section class="card" aria-label="Frames">${frameList(this.#tail)}</section>`;
  }

  /** From some frames before the head, so that a long stream shows its end at once. */
  async #start(): Promise<void> {
    this.#error = undefined;
    try {
      const { epoch, asOfSeq } = await this.#context.engine.client.stream(this.#stream).timeline({ limit: 1 });
      if (!this.#isClosed) this.#tail.start(`${epoch}:${Math.max(0, asOfSeq - FRAMES_SHOWN_MAX)}`);
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#context.redraw();
  }
}
