/** One document as extraction gave it: figures, blocks with their scores, Markdown, metadata, links. */
import type { PageBlock, PageDocument } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { vars } from "./directives.ts";
import { formatCount, formatDuration, formatMs, plural } from "./format.ts";
import { BLOCKS_SHOWN_MAX, LINKS_SHOWN_MAX } from "./limits.ts";
import { codeBlock, emptyState, figure } from "./ui.ts";

type Tab = "blocks" | "markdown" | "metadata" | "links";

export class ExtractResult {
  readonly #redraw: () => void;
  #chosen: Tab | undefined;
  #isDroppedShown = true;

  constructor(redraw: () => void) {
    this.#redraw = redraw;
  }

  render(document: PageDocument): TemplateResult {
    const { reason, title, mode } = document;
    const tab = this.#chosen ?? firstTab(document);
    const why =
      reason === undefined || mode === "metadata" || mode === "links"
        ? nothing
        : html`<p class="extract-reason">${reason}</p>`;
    return html`<section class="card" data-testid="extract-result">
        <h2 class="extract-title">${title}</h2>
        <p class="quiet">${about(document)}</p>
        ${figures(document)} ${why}
      </section>
      ${this.#tabs(document, tab)}
      <section class="card extract-body" aria-label=${tab}>${this.#body(document, tab)}</section>`;
  }

  #tabs({ blocks = [], links }: PageDocument, current: Tab): TemplateResult {
    const choose = (tab: Tab) => () => {
      this.#chosen = tab;
      this.#redraw();
    };
    const radio = (tab: Tab, count?: number) =>
      html`<label><input type="radio" name="tab" value=${tab} .checked=${tab === current} @change=${choose(tab)} /><span data-testid=${`extract-tab-${tab}`}>${tab}${count === undefined ? nothing : html`<small>${formatCount(count)}</small>`}</span></label>`;
    return html`<fieldset class="segments extract-tabs"><legend class="sr-only">What to show</legend>
      ${radio("blocks", blocks.length)}${radio("markdown")}${radio("metadata")}${radio("links", links.length)}
    </fieldset>`;
  }

  #body(document: PageDocument, tab: Tab): unknown {
    if (tab === "blocks") return this.#blocks(document.blocks ?? []);
    if (tab === "metadata") return metadata(document);
    if (tab === "links") return links(document);
    if (document.markdown === "")
      return emptyState({ icon: "document", title: "No text", text: document.reason ?? "" });
    return codeBlock("Markdown", document.markdown);
  }

  #blocks(blocks: readonly PageBlock[]): TemplateResult {
    if (blocks.length === 0) {
      const text = "Only the blocks of HTML pages are scored, in the modes that take text.";
      return emptyState({ icon: "extract", title: "No scored blocks", text });
    }
    const toggle = () => {
      this.#isDroppedShown = !this.#isDroppedShown;
      this.#redraw();
    };
    const kept = blocks.filter((block) => block.kept).length;
    const shown = (this.#isDroppedShown ? blocks : blocks.filter((block) => block.kept)).slice(0, BLOCKS_SHOWN_MAX);
    return html`<div class="extract-line">
        <span>${formatCount(kept)} of ${plural(blocks.length, "block")} kept</span>
        <label class="extract-toggle"><input type="checkbox" .checked=${this.#isDroppedShown} @change=${toggle} /> Show dropped blocks</label>
      </div>
      <ol class="extract-blocks" data-testid="extract-blocks">${shown.map(blockRow)}</ol>`;
  }
}

function firstTab({ mode, blocks = [] }: PageDocument): Tab {
  if (mode === "metadata") return "metadata";
  if (mode === "links") return "links";
  return blocks.length > 0 ? "blocks" : "markdown";
}

function about({ byline, published, siteName, finalUrl, contentType }: PageDocument): unknown {
  const parts = [byline, published, siteName, contentType].filter((part) => part !== undefined && part !== "");
  const link =
    finalUrl === undefined ? nothing : html` · <a href=${finalUrl} rel="noreferrer" target="_blank">${finalUrl}</a>`;
  return html`${parts.join(" · ")}${link}`;
}

function figures({ quality, wordCount, readingMinutes, timings, cache, gate, pageType }: PageDocument): TemplateResult {
  const terms = Object.entries(quality.terms).map(([name, value]) => `${name} ${value}`);
  const from = cache.hit
    ? `from ${cache.layer}, ${formatDuration(cache.ageMs)} old`
    : `fetch ${formatMs(timings.fetchMs)}`;
  const weighed = gate && Object.entries(gate.contributions).filter(([, value]) => value !== 0);
  const gateText = weighed?.map(([name, value]) => `${name} ${value.toFixed(2)}`).join(" · ");
  return html`<dl class="extract-figures">
    ${figure("Quality", quality.score, terms.join(" · "))}
    ${figure("Words", formatCount(wordCount), `${readingMinutes} min to read`)}
    ${figure("Time", formatMs(timings.totalMs), `${from} · parse ${formatMs(timings.parseMs)}`)}
    ${pageType === undefined ? nothing : figure("Type", pageType)}
    ${gate === undefined ? nothing : figure("Gate", `${gate.decision} ${gate.probability.toFixed(2)}`, gateText)}
  </dl>`;
}

function blockRow({ text, score, kept, path }: PageBlock): TemplateResult {
  return html`<li class="extract-block" data-kept=${kept}>
    <span class="extract-score" ${vars({ part: score })}><span class="extract-score-value">${score.toFixed(2)}</span><span class="extract-score-bar"></span></span>
    <div class="extract-block-text"><p>${text}</p><p class="extract-path"><span class="badge" data-tone=${kept ? "good" : "calm"}>${kept ? "kept" : "dropped"}</span> <code>${path}</code></p></div>
  </li>`;
}

const FIELDS = [
  ...(["title", "byline", "published", "modified", "siteName", "description", "language", "pageType"] as const),
  ...(["canonicalUrl", "url", "finalUrl", "contentType", "hash"] as const),
];

function metadata(document: PageDocument): TemplateResult {
  const rows: (readonly [string, string])[] = FIELDS.flatMap((name) => {
    const value = document[name];
    return value === undefined || value === "" ? [] : [[name, String(value)] as const];
  });
  if (document.categories?.length) rows.push(["categories", document.categories.join(", ")]);
  for (const [name, value] of Object.entries(document.openGraph ?? {}))
    rows.push([`og:${name.replace(/^og:/, "")}`, value]);
  const { jsonLd = [] } = document;
  return html`<dl class="extract-fields">${rows.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
    ${jsonLd.length === 0 ? nothing : codeBlock("JSON-LD", JSON.stringify(jsonLd, null, 2))}`;
}

function links({ links: all }: PageDocument): TemplateResult {
  if (all.length === 0) return emptyState({ icon: "link", title: "No links", text: "What was read links to nothing." });
  return html`<ul class="extract-links">${all.slice(0, LINKS_SHOWN_MAX).map(({ url, text, rel }) => html`<li><a href=${url} rel="noreferrer" target="_blank">${text === "" ? url : text}</a> <span class="quiet">${url}${rel === undefined ? "" : ` · ${rel}`}</span></li>`)}</ul>`;
}
