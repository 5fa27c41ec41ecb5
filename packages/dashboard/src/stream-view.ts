import { MillraceError, type RetentionPolicy, type StreamEntry, type StreamHandle } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, formatCount, formatRate, plural } from "./format.ts";
import { frameList } from "./frame-list.ts";
import { icon } from "./icons.ts";
import { FRAMES_SHOWN_MAX, POLL_MS } from "./limits.ts";
import { Loader } from "./loader.ts";
import { RetentionCard } from "./retention-card.ts";
import { Tail } from "./tail.ts";
import { errorPanel, figure, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

/** One stream: what it is doing, its newest frames, then each as it is written. */
export class StreamView implements View {
  readonly #context: ViewContext;
  readonly #stream: string;
  readonly #tail: Tail;
  readonly #entry: Loader<StreamEntry>;
  readonly #retention: RetentionCard;
  #error: MillraceError | undefined;
  #isClosed = false;

  constructor(context: ViewContext, stream: string) {
    const { redraw } = context;
    this.#context = context;
    this.#stream = stream;
    this.#tail = new Tail({ client: context.engine.client, stream, changed: redraw });
    this.#entry = new Loader((signal) => this.#handle.entry({ detail: true, signal }), redraw);
    const retain = async (policy: RetentionPolicy | null) => {
      await this.#handle.retain(policy);
      await this.#entry.load(POLL_MS);
    };
    this.#retention = new RetentionCard({ retain, redraw });
    void this.#entry.load(POLL_MS);
    void this.#start();
  }

  get #handle(): StreamHandle {
    return this.#context.engine.client.stream(this.#stream);
  }

  close(): void {
    this.#isClosed = true;
    this.#tail.close();
    this.#entry.close();
  }

  render(): TemplateResult {
    const name = html`<span class="mono">${this.#stream}</span>`;
    const { value: entry } = this.#entry;
    return html`<a class="back" href="#/streams">${icon("back")} Streams</a>
      ${pageHeader("Stream", name)} ${this.#error ? errorPanel(this.#error, () => void this.#start()) : nothing}
      ${entry ? html`<section class="card stream-card" aria-label="What it is doing">${figures(entry)}${this.#retention.render(entry)}</section>` : nothing}
      <section class="card" aria-label="Frames">${frameList(this.#tail)}</section>`;
  }

  /** From some frames before the head, so that a long stream shows its end at once. */
  async #start(): Promise<void> {
    this.#error = undefined;
    try {
      const { epoch, asOfSeq } = await this.#handle.timeline({ limit: 1 });
      if (!this.#isClosed) this.#tail.start(`${epoch}:${Math.max(0, asOfSeq - FRAMES_SHOWN_MAX)}`);
    } catch (error) {
      this.#error = MillraceError.from(error);
    }
    this.#context.redraw();
  }
}

function figures({ activity, frames, first, head, bytes, epoch }: StreamEntry): TemplateResult {
  const { eventsPerSecond, framesPerSecond, subscribers = 0, lagFrames = 0, durableLag = 0 } = activity ?? {};
  const rate = (perSecond: number | undefined) => (perSecond === undefined ? "–" : `${formatRate(perSecond)}/s`);
  const behind = lagFrames > 0 ? html`<span class="warn">${plural(lagFrames, "frame")} behind</span>` : nothing;
  const waiting = durableLag > 0 ? html`<span class="warn">${formatCount(durableLag)} not yet on disk</span>` : nothing;
  return html`<dl class="figures" data-testid="stream-figures">
    ${figure("Events in", rate(eventsPerSecond))}${figure("Frames out", rate(framesPerSecond))}
    ${figure("Subscribers", formatCount(subscribers), behind)}${figure("Frames", formatCount(frames), waiting)}
    ${figure("Size", formatBytes(bytes))}${figure("From – to", html`${first} – ${head}`)}${figure("Epoch", html`<span class="mono epoch">${epoch}</span>`)}
  </dl>`;
}
