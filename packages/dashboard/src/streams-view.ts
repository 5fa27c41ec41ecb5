import type { StreamEntry } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { formatBytes, formatCount } from "./format.ts";
import { LIST_MAX } from "./limits.ts";
import { Loader } from "./loader.ts";
import { codeBlock, emptyState, errorPanel, loading, pageHeader } from "./ui.ts";
import type { View, ViewContext } from "./view.ts";

const KINDS = [
  { prefix: "", name: "All" },
  { prefix: "job:", name: "Jobs" },
  { prefix: "space:", name: "Spaces" },
] as const;

const REFRESH_MS = 2_000;

/** Every ordered sequence the engine holds. */
export class StreamsView implements View {
  readonly #streams: Loader<StreamEntry[]>;
  #prefix = "";

  constructor({ engine, redraw }: ViewContext) {
    const load = (signal: AbortSignal) =>
      engine.client.streams.list({ prefix: this.#prefix || undefined, limit: LIST_MAX, signal });
    this.#streams = new Loader(load, redraw);
    void this.#streams.load(REFRESH_MS);
  }

  close(): void {
    this.#streams.close();
  }

  render(): TemplateResult {
    const { value: streams, error } = this.#streams;
    const text =
      "Jobs and spaces write streams by themselves; an agent writes its own. Every frame is numbered, kept and can be followed.";
    const append = `curl -X POST ${location.origin}/v1/streams/chat:demo/events \\\n  -H 'content-type: application/json' \\\n  -d '{"events":[{"type":"message","data":{"text":"hello"}}]}'`;
    return html`${pageHeader("Streams", "Ordered frames that can be followed live, replayed and resumed.", this.#kinds())}
      ${error && !streams ? errorPanel(error, () => void this.#streams.load(REFRESH_MS)) : nothing} ${!streams && !error ? loading(6) : nothing}
      ${streams?.length === 0 ? emptyState({ icon: "streams", title: "No streams here yet", text, body: codeBlock("Append an event", append) }) : nothing}
      ${streams && streams.length > 0 ? table(streams) : nothing}`;
  }

  #kinds(): TemplateResult {
    const choose = (prefix: string) => () => {
      this.#prefix = prefix;
      void this.#streams.load(REFRESH_MS);
    };
    return html`<fieldset class="segments"><legend class="sr-only">Which streams</legend>
      ${KINDS.map(({ prefix, name }) => html`<label><input type="radio" name="stream-kind" .checked=${prefix === this.#prefix} @change=${choose(prefix)} /><span>${name}</span></label>`)}
    </fieldset>`;
  }
}

function table(streams: readonly StreamEntry[]): TemplateResult {
  return html`<div class="card table-card"><table class="table">
    <thead><tr><th scope="col">Stream</th><th scope="col" class="number">Frames</th><th scope="col" class="number">First</th><th scope="col" class="number">Head</th><th scope="col" class="number">Bytes</th><th scope="col">Epoch</th></tr></thead>
    <tbody>${streams.map(
      ({ stream, frames, first, head, bytes, epoch }) => html`<tr data-testid="stream-row">
        <th scope="row"><a class="row-link mono" href=${`#/streams/${encodeURIComponent(stream)}`}>${stream}</a></th>
        <td class="number" data-label="Frames">${formatCount(frames)}</td><td class="number" data-label="First">${formatCount(first)}</td>
        <td class="number" data-label="Head">${formatCount(head)}</td><td class="number" data-label="Bytes">${formatBytes(bytes)}</td><td class="mono" data-label="Epoch">${epoch}</td>
      </tr>`,
    )}</tbody>
  </table></div>`;
}
