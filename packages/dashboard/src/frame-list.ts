/** Frames, newest first, each with its JSON behind it. */
import type { Frame } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { repeat } from "lit-html/directives/repeat.js";
import { formatCount, formatTime, plural } from "./format.ts";
import { aboutOf, toneOf } from "./frame-text.ts";
import { icon } from "./icons.ts";
import { FRAMES_SHOWN_MAX, JSON_SHOWN_CHARS } from "./limits.ts";
import type { Tail } from "./tail.ts";
import { type Content, errorPanel } from "./ui.ts";

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
    ? html`<p class="quiet">Frames before ${formatCount(tail.gap.first)} are ${tail.gap.reason === "epoch" ? "not those of this log" : "past retention"}; the state above covers them.</p>`
    : nothing;
  return html`<div class="frames-bar">
      <span class="live" data-state=${state} data-testid="frames-state"><span class="dot"></span>${state}</span>
      <span class="frames-count">${countLine(tail.seen, shown.length)}</span>
      ${durableNote(tail)}
      <button class="button button-small" type="button" data-testid="frames-pause" aria-pressed=${tail.isPaused} @click=${() => tail.toggle()}>
        ${icon(tail.isPaused ? "play" : "pause")}${tail.isPaused ? "Go on" : "Pause"}
      </button>
    </div>
    ${tail.error ? errorPanel(tail.error) : nothing}${gap}
    ${shown.length === 0 ? html`<p class="quiet frames-none">No frames yet. They appear here as they are written.</p>` : nothing}
    <ol class="frames" data-testid="frames" aria-label="Frames, newest first">${rows(shown, tail.durable)}</ol>`;
}

function countLine(seen: number, shown: number): string {
  return seen > shown ? `newest ${formatCount(shown)} of ${plural(seen, "frame")} read` : plural(seen, "frame");
}

/** How many of the frames shown a power cut would still take back. */
function durableNote({ frames, durable }: Tail): Content {
  const newest = frames.at(-1);
  if (!newest || durable === undefined) return nothing;
  const waiting = newest.seq - durable;
  const text = waiting > 0 ? `${formatCount(waiting)} not yet on disk` : "all on disk";
  return html`<span class="frames-durable" data-state=${waiting > 0 ? "waiting" : "done"} data-testid="frames-durable"
    title="Frames are shown when they are numbered; those on disk are safe from a power cut">${waiting > 0 ? html`<span class="ring"></span>` : icon("check")}${text}</span>`;
}

function rows(shown: readonly Frame[], durable: number | undefined): unknown {
  const isWaiting = ({ seq }: Frame) => durable !== undefined && seq > durable;
  const first = shown.findIndex((frame) => !isWaiting(frame));
  const at = first === -1 ? shown.length : first;
  const mark =
    at === 0
      ? nothing
      : html`<li class="durable-mark" data-testid="durable-mark"><span>on disk up to ${formatCount(durable ?? 0)}</span></li>`;
  const keyOf = ({ epoch, seq }: Frame) => `${epoch}:${seq}`;
  return html`${repeat(shown.slice(0, at), keyOf, (frame) => frameRow(frame, true))}${mark}${repeat(
    shown.slice(at),
    keyOf,
    (frame) => frameRow(frame, false),
  )}`;
}

function frameRow(frame: Frame, isWaiting: boolean): TemplateResult {
  return html`<li><details class="frame" data-testid="frame" data-tone=${toneOf(frame)} ?data-waiting=${isWaiting}>
    <summary>
      <span class="frame-seq">${frame.seq}</span>
      <span class="frame-type">${frame.type}</span>
      <span class="frame-about">${aboutOf(frame)}</span>
      <time class="frame-time">${formatTime(frame.ts)}</time>
    </summary>
    <div class="frame-body"><pre tabindex="0">${jsonOf(frame)}</pre></div>
  </details></li>`;
}

function jsonOf(frame: Frame): string {
  const text = JSON.stringify(frame, null, 2);
  if (text.length <= JSON_SHOWN_CHARS) return text;
  return `${text.slice(0, JSON_SHOWN_CHARS)}\n… ${formatCount(text.length - JSON_SHOWN_CHARS)} more characters`;
}
