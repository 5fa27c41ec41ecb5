/** Frames, newest first, each with its JSON behind it. */
import type { Frame } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { formatCount, formatTime, plural } from "./format.ts";
import { icon } from "./icons.ts";
import { FRAMES_SHOWN_MAX, JSON_SHOWN_CHARS } from "./limits.ts";
import type { Tail } from "./tail.ts";
import { errorPanel } from "./ui.ts";

const STATUS: Readonly<Record<Tail["status"], string>> = {
  connecting: "connecting",
  live: "live",
  waiting: "reconnecting",
  paused: "catching up",
  closed: "closed",
};

export function frameList(tail: Tail): TemplateResult {
  const shown = tail.frames.slice(-FRAMES_SHOWN_MAX).reverse();
  const state = tail.isPaused ? "paused" : STATUS[tail.status];
  const gap = tail.gap
    ? html`<p class="quiet">Frames before ${formatCount(tail.gap.first)} are past retention; the state above covers them.</p>`
    : nothing;
  return html`<div class="frames-bar">
      <span class="live" data-state=${state} data-testid="frames-state"><span class="dot"></span>${state}</span>
      <span class="frames-count">${countLine(tail.seen, shown.length)}</span>
      <button class="button button-small" type="button" data-testid="frames-pause" aria-pressed=${tail.isPaused} @click=${() => tail.toggle()}>
        ${icon(tail.isPaused ? "play" : "pause")}${tail.isPaused ? "Go on" : "Pause"}
      </button>
    </div>
    ${tail.error ? errorPanel(tail.error) : nothing}${gap}
    ${shown.length === 0 ? html`<p class="quiet frames-none">No frames yet. They appear here as they are written.</p>` : nothing}
    <ol class="frames" data-testid="frames" aria-label="Frames, newest first">${repeat(shown, ({ epoch, seq }) => `${epoch}:${seq}`, frameRow)}</ol>`;
}

function countLine(seen: number, shown: number): string {
  return seen > shown ? `newest ${formatCount(shown)} of ${plural(seen, "frame")} read` : plural(seen, "frame");
}

function frameRow(frame: Frame): TemplateResult {
  return html`<li><details class="frame" data-testid="frame">
    <summary>
      <span class="frame-seq">${frame.seq}</span>
      <span class="frame-type" data-tone=${toneOf(frame.type)}>${frame.type}</span>
      <span class="frame-about">${aboutOf(frame)}</span>
      <time class="frame-time">${formatTime(frame.ts)}</time>
    </summary>
    <div class="frame-body"><pre tabindex="0">${jsonOf(frame)}</pre></div>
  </details></li>`;
}

function toneOf(type: string): string {
  if (/(failed|error|removed)$/.test(type)) return "bad";
  if (/(stored|done)$/.test(type)) return "good";
  if (/interrupted$/.test(type)) return "warn";
  return "calm";
}

/** The most telling field of a frame, on one line. */
function aboutOf({ id, data }: Frame): string {
  if (typeof data !== "object" || data === null) return id;
  const fields = data as Readonly<Record<string, unknown>>;
  const { source, text, content, stored, total } = fields;
  if (typeof source === "string") return typeof fields.phase === "string" ? `${source} · ${fields.phase}` : source;
  if (typeof stored === "number" && typeof total === "number")
    return `${formatCount(stored)} of ${formatCount(total)} stored`;
  for (const value of [text, content]) if (typeof value === "string") return value.slice(0, 160);
  return id;
}

function jsonOf(frame: Frame): string {
  const text = JSON.stringify(frame, null, 2);
  if (text.length <= JSON_SHOWN_CHARS) return text;
  return `${text.slice(0, JSON_SHOWN_CHARS)}\n… ${formatCount(text.length - JSON_SHOWN_CHARS)} more characters`;
}
