/** The frame around every view: navigation, theme, and how the engine is. */
import { html, nothing, type TemplateResult } from "lit-html";
import { adviceFor } from "./advice.ts";
import type { Engine } from "./engine.ts";
import { formatDuration } from "./format.ts";
import { icon } from "./icons.ts";
import type { ViewName } from "./route.ts";
import { currentTheme, toggleTheme } from "./theme.ts";

const NAV: readonly { readonly view: ViewName; readonly name: string }[] = [
  { view: "overview", name: "Overview" },
  { view: "ask", name: "Ask" },
  { view: "extract", name: "Extract" },
  { view: "jobs", name: "Jobs" },
  { view: "streams", name: "Streams" },
  { view: "spaces", name: "Spaces" },
];

export type Shell = {
  readonly engine: Engine;
  readonly redraw: () => void;
  readonly current: ViewName;
  readonly content: TemplateResult;
};

export function shell({ engine, redraw, current, content }: Shell): TemplateResult {
  return html`<a class="skip" href="#main" @click=${skip}>Skip to content</a>
    <div class="shell">
      <aside class="side">
        <a class="brand" href="#/overview" aria-label="Millrace, overview">
          <img src="/assets/dashboard/icon.svg" alt="" width="28" height="28" /><span>Millrace</span>
        </a>
        <nav class="nav" aria-label="Main">${NAV.map((entry) => navLink(entry, current, engine))}</nav>
        <div class="side-foot">${engineStatus(engine)}${themeToggle(redraw)}</div>
      </aside>
      <main class="main" id="main" tabindex="-1">${banner(engine)}${content}</main>
    </div>`;
}

/** The address after # is the route, so the link moves the focus itself. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function navLink({ view, name }: (typeof NAV)[number], current: ViewName, engine: Engine): TemplateResult {
  const running = view === "jobs" ? engine.running.length : 0;
  const count =
    running > 0 ? html`<span class="nav-count" aria-label=${`${running} running`}>${running}</span>` : nothing;
  return html`<a
    class="nav-link"
    href=${`#/${view}`}
    data-testid=${`nav-${view}`}
    aria-current=${view === current ? "page" : "false"}
    >${icon(view)}<span>${name}</span>${count}</a
  >`;
}

function engineStatus(engine: Engine): TemplateResult {
  const { overview, error } = engine;
  const state = error ? "lost" : overview ? "up" : "waiting";
  const text = error ? "Not connected" : overview ? `Up ${formatDuration(overview.uptimeMs)}` : "Connecting";
  const version = overview ? `v${overview.version}` : "";
  return html`<p class="engine-status" data-state=${state}><span class="dot"></span><span>${text}</span><span class="engine-version">${version}</span></p>`;
}

function themeToggle(redraw: () => void): TemplateResult {
  const theme = currentTheme();
  const other = theme === "dark" ? "light" : "dark";
  const toggle = () => {
    toggleTheme();
    redraw();
  };
  return html`<button class="icon-button" type="button" data-testid="theme-toggle" aria-label=${`Use the ${other} theme`} title=${`Use the ${other} theme`} @click=${toggle}>
    ${icon(theme === "dark" ? "sun" : "moon")}
  </button>`;
}

function banner(engine: Engine): TemplateResult {
  const { error } = engine;
  if (error?.code === "unauthenticated") return keyForm(engine);
  const lost = error
    ? html`<div class="banner">${icon("alert")}<p><strong>Connection to the engine lost.</strong> ${adviceFor(error.code)}</p>
        <button class="button" type="button" @click=${() => engine.retry()}>Retry now</button></div>`
    : nothing;
  return html`<div role="status" aria-live="polite" data-testid="connection">${lost}</div>`;
}

function keyForm(engine: Engine): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget as HTMLFormElement).get("key");
    if (typeof key === "string" && key !== "") engine.useKey(key);
  };
  return html`<form class="banner" @submit=${submit}>${icon("alert")}
    <label class="banner-label">This engine asks for a key <input class="input" name="key" type="password" autocomplete="off" required /></label>
    <button class="button button-primary" type="submit">Use key</button></form>`;
}
