import { isReservedStream, type Overview, type StreamEntry, toStreamId } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { formatBytes, formatCount, formatMs, formatRate } from "./format.ts";
import { LIST_MAX, POLL_MS } from "./limits.ts";
import { Loader } from "./loader.ts";
import { formatPolicy } from "./policy.ts";
import { type Content, codeBlock, emptyState, errorPanel, figure, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const KINDS = [
  { prefix: "", name: "All" },
  { prefix: "job:", name: "Jobs" },
  { prefix: "space:", name: "Spaces" },
] as const;

/** Every ordered sequence the engine holds, and what each is doing. */
export class StreamsView implements View {
  readonly #context: ViewContext;
  readonly #streams: Loader<StreamEntry[]>;
  #prefix = "";

  constructor(context: ViewContext) {
    const { engine, redraw } = context;
    this.#context = context;
    const load = (signal: AbortSignal) =>
      engine.client.streams.list({ prefix: this.#prefix || undefined, limit: LIST_MAX, detail: true, signal });
    this.#streams = new Loader(load, redraw);
    void this.#streams.load(POLL_MS);
  }

  close(): void {
    this.#streams.close();
  }

  render(): TemplateResult {
    const { value: streams, error } = this.#streams;
    const { overview } = this.#context.engine;
    const text =
      "Jobs and spaces write streams by themselves; an agent writes its own. Every frame is numbered, kept and can be followed.";
    const append = `curl -X POST ${location.origin}/v1/streams/chat:demo/events \\\n  -H 'content-type: application/json' \\\n  -d '{"events":[{"type":"message","data":{"text":"hello"}}]}'`;
    return html`${pageHeader("Streams", "Ordered frames that can be followed live, replayed and resumed.", this.#kinds())}
      ${overview ? flow(overview) : nothing}
      ${error && !streams ? errorPanel(error, () => void this.#streams.load(POLL_MS)) : nothing} ${!streams && !error ? loading(6) : nothing}
      ${streams?.length === 0 ? emptyState({ icon: "streams", title: "No streams here yet", text, body: codeBlock("Append an event", append) }) : nothing}
      ${streams && streams.length > 0 ? table(streams) : nothing}`;
  }

  #kinds(): TemplateResult {
    const choose = (prefix: string) => () => {
      this.#prefix = prefix;
      void this.#streams.load(POLL_MS);
    };
    return html`<fieldset class="segments"><legend class="sr-only">Which streams</legend>
      ${KINDS.map(({ prefix, name }) => html`<label><input type="radio" name="stream-kind" .checked=${prefix === this.#prefix} @change=${choose(prefix)} /><span>${name}</span></label>`)}
    </fieldset>`;
  }
}

/** All streams together. */
function flow({ rates, latency, streams }: Overview): TemplateResult {
  const { followers, lagging, lagFrames, durableLag, ringBytes, open } = streams;
  const behind = lagging > 0 ? html`<span class="warn">${formatCount(lagging)} over budget</span>` : nothing;
  const { deliverMs } = latency;
  return html`<section class="card" aria-label="All streams"><dl class="figures" data-testid="streams-flow">
    ${figure("Events in", `${formatRate(rates.eventsPerSecond)}/s`)}${figure("Frames out", `${formatRate(rates.deliveriesPerSecond)}/s`)}
    ${figure("Number to reader", deliverMs.count === 0 ? "–" : html`${formatMs(deliverMs.p50)} <span class="figure-unit">p50</span>`)}
    ${figure("Subscriptions", formatCount(followers), behind)}${figure("Frames behind", formatCount(lagFrames.sum))}
    ${figure("Not yet on disk", formatCount(durableLag.sum))}${figure("In memory", formatBytes(ringBytes), html`<span>${formatCount(open)} open</span>`)}
  </dl></section>`;
}

const COLUMNS = ["In /s", "Out /s", "Readers", "Behind", "Not on disk", "Frames", "Size"] as const;

function table(streams: readonly StreamEntry[]): TemplateResult {
  return html`<div class="card table-card"><table class="table streams-table">
    <thead><tr><th scope="col">Stream</th>${COLUMNS.map((name) => html`<th scope="col" class="number">${name}</th>`)}<th scope="col">Keeps</th></tr></thead>
    <tbody>${repeat(streams, ({ stream }) => stream, row)}</tbody>
  </table></div>`;
}

function row(entry: StreamEntry): TemplateResult {
  const { stream, frames, bytes, activity } = entry;
  const { eventsPerSecond, framesPerSecond, subscribers = 0, lagFrames = 0, durableLag = 0 } = activity ?? {};
  const cells: readonly Content[] = [
    rate(eventsPerSecond),
    rate(framesPerSecond),
    count(subscribers),
    count(lagFrames, "warn"),
    count(durableLag, "warn"),
    html`${formatCount(frames)}`,
    html`${formatBytes(bytes)}`,
  ];
  return html`<tr data-testid="stream-row" data-busy=${(eventsPerSecond ?? 0) + (framesPerSecond ?? 0) > 0}>
    <th scope="row"><a class="row-link mono" href=${`#/streams/${encodeURIComponent(stream)}`}>${stream}</a></th>
    ${cells.map((content, at) => html`<td class="number" data-label=${COLUMNS[at] ?? ""}>${content}</td>`)}
    <td data-label="Keeps">${keeps(entry)}</td>
  </tr>`;
}

/** Nothing is shown quietly, so that what moves stands out. */
function rate(perSecond: number | undefined): TemplateResult {
  if (perSecond === undefined) return html`<span class="none">–</span>`;
  return perSecond === 0 ? html`<span class="none">0</span>` : html`<strong>${formatRate(perSecond)}</strong>`;
}

function count(value: number, tone = ""): TemplateResult {
  return value === 0 ? html`<span class="none">0</span>` : html`<strong class=${tone}>${formatCount(value)}</strong>`;
}

function keeps({ stream, retention }: StreamEntry): Content {
  if (!retention || isReservedStream(toStreamId(stream))) return html`<span class="none">engine's own</span>`;
  const text = formatPolicy(retention.policy);
  return retention.isDefault ? html`<span class="quiet">${text}</span>` : html`${text}`;
}
