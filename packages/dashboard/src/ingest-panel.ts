/** How observations fare: what comes in, how full the lanes are, how long it takes, how busy the workers are, and what is wrong. */
import type { Overview } from "@millrace/client";
import { html, nothing, type TemplateResult } from "lit-html";
import { vars } from "./directives.ts";
import type { Engine } from "./engine.ts";
import { formatAgo, formatBytes, formatCount, formatMs, formatPercent, formatRate, plural } from "./format.ts";
import { WORKERS_SHOWN } from "./limits.ts";
import { sparkline } from "./sparkline.ts";
import { type Content, figure } from "./ui.ts";

type Ingest = Overview["ingest"];
type Alert = Overview["alerts"][number];

const STATE_TONES: Readonly<Record<Ingest["state"], string>> = {
  normal: "good",
  warning: "warn",
  critical: "warn",
  overloaded: "bad",
};

/** Past these shares a lane sheds what comes (docs/admission.md). */
const WARN_AT = 0.5;
const BAD_AT = 0.8;
/** A worker busier than this has no time for bursts; it is the limit of the alert. */
const BUSY_AT = 0.9;

export function ingestPanel(engine: Engine, { ingest, alerts, uptimeMs, startedMs }: Overview): TemplateResult {
  const { totals, sessions } = ingest;
  const isUnused = totals.accepted === 0 && totals.refused === 0 && sessions === 0;
  return html`<section class="card ingest-card" aria-label="Ingest" data-testid="ingest">
    ${header(ingest)}${alertList(alerts, startedMs + uptimeMs)}
    ${isUnused ? unused() : html`<div class="ingest-columns">${rates(engine, ingest)}${lanes(ingest)}${latencies(ingest)}${workers(ingest)}</div>${counted(ingest)}`}
  </section>`;
}

function header({ state, profile, pressure }: Ingest): TemplateResult {
  return html`<header class="ingest-head">
    <h2>Ingest</h2>
    <span class="badge" data-tone=${STATE_TONES[state]} data-testid="ingest-state">${state}</span>
    <span class="ingest-profile">profile ${profile}</span>
    <span class="ingest-pressure" title="How full the fullest of lanes and memory is">
      <span>Pressure</span><span class="meter" data-tone=${toneOf(pressure)} ${vars({ part: Math.min(1, pressure) })}></span><strong>${formatPercent(pressure)}</strong>
    </span>
  </header>`;
}

function unused(): TemplateResult {
  return html`<p class="quiet">No observations yet. Send some with <code>client.space(name).observe()</code>, or to <code>/v1/spaces/{space}/observations</code>.</p>`;
}

function alertList(alerts: readonly Alert[], nowMs: number): Content {
  if (alerts.length === 0) return nothing;
  return html`<ul class="ingest-alerts" role="status">${alerts.map((alert) => alertRow(alert, nowMs))}</ul>`;
}

function alertRow({ rule, subject, value, limit, unit, sinceMs, hint }: Alert, nowMs: number): TemplateResult {
  const name = rule.replaceAll("_", " ");
  return html`<li data-testid="alert">
    <strong>${name}${subject === undefined ? nothing : html` <code>${subject}</code>`}</strong>
    <span class="alert-value">${inUnit(value, unit)}, limit ${inUnit(limit, unit)} <span>· raised ${formatAgo(sinceMs, nowMs)}</span></span>
    <span class="alert-hint">${hint}</span>
  </li>`;
}

function inUnit(value: number, unit: string): string {
  if (unit === "bytes") return formatBytes(value);
  if (unit === "ms") return formatMs(value);
  if (unit === "observations/s") return `${formatRate(value)}/s`;
  if (unit === "%") return `${value.toFixed(value < 10 ? 1 : 0)} %`;
  return `${formatCount(value)} ${unit}`;
}

function column(name: string, about: string, body: unknown): TemplateResult {
  return html`<div class="ingest-column"><h3>${name}<span>${about}</span></h3>${body}</div>`;
}

function rates({ acceptedRate, searchableRate }: Engine, { rates: now }: Ingest): TemplateResult {
  const rate = (name: string, perSecond: number, values: readonly number[]) =>
    html`<div class="ingest-rate" data-testid="ingest-rate"><p><strong>${formatRate(perSecond)}</strong><span>${name}</span></p>${sparkline(values)}</div>`;
  const refused =
    now.refusedPerSecond > 0
      ? html`<p class="ingest-refused">${formatRate(now.refusedPerSecond)}/s refused</p>`
      : nothing;
  const both = html`${rate("accepted", now.acceptedPerSecond, acceptedRate.values)}${rate("searchable", now.searchablePerSecond, searchableRate.values)}`;
  return column("Observations", "a second", html`${both}${refused}`);
}

function lanes({ lanes: all }: Ingest): TemplateResult {
  const bars = all.map(({ lane, depth, limit, bytes, bytesLimit }) => {
    const part = Math.max(depth / Math.max(limit, 1), bytes / Math.max(bytesLimit, 1));
    return bar({
      name: lane,
      part,
      tone: toneOf(part),
      about: `${formatBytes(bytes)} of ${formatBytes(bytesLimit)}`,
      count: html`${formatCount(depth)} <span>/ ${formatCount(limit)}</span>`,
    });
  });
  return column("Lanes", "accepted, not done", html`<div class="ingest-bars">${bars}</div>`);
}

function latencies({ latency }: Ingest): TemplateResult {
  const row = (name: string, { count, p50, p99 }: Ingest["latency"]["waitMs"]) =>
    html`<tr><th scope="row">${name}</th><td>${count === 0 ? "–" : formatMs(p50)}</td><td>${count === 0 ? "–" : formatMs(p99)}</td></tr>`;
  return column(
    "Latency",
    "since accepted",
    html`<table class="ingest-latency"><thead><tr><td></td><th scope="col">p50</th><th scope="col">p99</th></tr></thead>
      <tbody>${row("handed over", latency.waitMs)}${row("durable", latency.durableMs)}${row("searchable", latency.searchableMs)}</tbody></table>`,
  );
}

function workers({ workers: all }: Ingest): TemplateResult {
  const bars = all.slice(0, WORKERS_SHOWN).map(({ utilisation, spaces, depth }, number) =>
    bar({
      name: `#${number}`,
      part: utilisation,
      tone: utilisation > BUSY_AT ? "bad" : "calm",
      about: `${formatCount(depth)} observations in hand`,
      count: html`${formatPercent(utilisation)} <span>· ${plural(spaces, "space")}</span>`,
    }),
  );
  const more = all.length - bars.length;
  const rest = more > 0 ? html`<p class="quiet">and ${plural(more, "worker")} more</p>` : nothing;
  return column("Workers", "busy", html`<div class="ingest-bars">${bars}</div>${rest}`);
}

type Bar = {
  readonly name: string;
  readonly part: number;
  readonly tone: string;
  readonly about: string;
  readonly count: TemplateResult;
};

function bar({ name, part, tone, about, count }: Bar): TemplateResult {
  return html`<div class="queue" title=${about}><span>${name}</span><span class="meter" data-tone=${tone} ${vars({ part: Math.min(1, part) })}></span><span class="queue-count">${count}</span></div>`;
}

function toneOf(part: number): string {
  return part >= BAD_AT ? "bad" : part >= WARN_AT ? "warn" : "calm";
}

function counted({ totals, sessions, logBytes, indexBytes, steals }: Ingest): TemplateResult {
  return html`<dl class="figures ingest-figures">
    ${figure("Accepted", formatCount(totals.accepted))}${figure("Indexed", formatCount(totals.indexed))}${figure("Refused", formatCount(totals.refused))}${figure("Dead letters", formatCount(totals.deadLetters))}
    ${figure("Sessions", formatCount(sessions))}${figure("Spaces moved", formatCount(steals))}${figure("Log", formatBytes(logBytes))}${figure("Index", formatBytes(indexBytes))}
  </dl>`;
}
