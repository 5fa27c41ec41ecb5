/** Pieces that every view uses. */
import { MillraceError } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { adviceFor } from "./advice.ts";
import { vars } from "./directives.ts";
import { formatCount } from "./format.ts";
import { type IconName, icon } from "./icons.ts";

export type Content = TemplateResult | typeof nothing;

export function pageHeader(title: string, about: unknown, actions: unknown = nothing): TemplateResult {
  return html`<header class="page-header">
    <div class="page-title"><h1>${title}</h1><p class="about">${about}</p></div>
    <div class="page-actions">${actions}</div>
  </header>`;
}

const TONES: Readonly<Record<string, string>> = {
  running: "live",
  working: "live",
  done: "good",
  stored: "good",
  error: "bad",
  failed: "bad",
  interrupted: "warn",
};

/** A state as a word in a coloured pill; the word alone carries the meaning. */
export function badge(state: string): TemplateResult {
  return html`<span class="badge" data-tone=${TONES[state] ?? "calm"}>${state}</span>`;
}

export type Progress = { readonly stored: number; readonly failed: number; readonly total: number };

/** Stored and failed parts of a whole. */
export function progressBar({ stored, failed, total }: Progress, label: string): TemplateResult {
  const whole = Math.max(total, 1);
  return html`<div
    class="progress"
    role="progressbar"
    aria-label=${label}
    aria-valuemin="0"
    aria-valuemax=${total}
    aria-valuenow=${stored + failed}
    aria-valuetext=${`${formatCount(stored)} stored, ${formatCount(failed)} failed, of ${formatCount(total)}`}
    data-testid="job-progress"
    ${vars({ stored: stored / whole, failed: failed / whole })}
  ><span class="progress-stored"></span><span class="progress-failed"></span></div>`;
}

/** What went wrong, its code, and what to do about it. */
export function errorPanel(error: unknown, retry?: () => void): TemplateResult {
  const known = MillraceError.from(error);
  const again = retry ? html`<button class="button" type="button" @click=${retry}>Try again</button>` : nothing;
  return html`<div class="error-panel" role="alert" data-testid="error">
    ${icon("alert")}
    <div class="error-text">
      <p class="error-message">${known.message} <code class="error-code">${known.code}</code></p>
      <p class="error-advice">${adviceFor(known.code)}</p>
    </div>
    ${again}
  </div>`;
}

export type Empty = {
  readonly icon: IconName;
  readonly title: string;
  readonly text: unknown;
  readonly body?: unknown;
};

/** Nothing here yet, and how something gets here. */
export function emptyState({ icon: name, title, text, body = nothing }: Empty): TemplateResult {
  return html`<div class="empty"><span class="empty-icon">${icon(name)}</span><h2>${title}</h2><p>${text}</p>${body}</div>`;
}

/** Commands to copy. */
export function codeBlock(label: string, code: string): TemplateResult {
  const copy = async (event: Event) => {
    const button = event.currentTarget as HTMLButtonElement;
    await navigator.clipboard.writeText(code).then(
      () => button.classList.add("copied"),
      () => getSelection()?.selectAllChildren(button.parentElement?.querySelector("pre") ?? button),
    );
    button.addEventListener("pointerleave", () => button.classList.remove("copied"), { once: true });
  };
  return html`<figure class="code">
    <figcaption>${label}</figcaption>
    <button class="icon-button code-copy" type="button" aria-label=${`Copy: ${label}`} @click=${copy}>
      ${icon("copy")}${icon("check")}
    </button>
    <pre tabindex="0">${code}</pre>
  </figure>`;
}

export function loading(rows = 3): TemplateResult {
  return html`<div class="loading" role="status" aria-label="Loading">
    ${Array.from({ length: rows }, () => html`<span class="loading-row"></span>`)}
  </div>`;
}

/** A number with its name, for rows of figures. */
export function figure(name: string, value: unknown, detail: unknown = nothing): TemplateResult {
  return html`<div class="figure"><dt>${name}</dt><dd>${value}</dd>${detail === nothing ? nothing : html`<span class="figure-detail">${detail}</span>`}</div>`;
}
