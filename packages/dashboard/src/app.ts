import { html, type nothing, render, type TemplateResult } from "lit-html";
import { AskView } from "./ask-view.ts";
import { Engine } from "./engine.ts";
import { ExtractView } from "./extract-view.ts";
import { JobView } from "./job-view.ts";
import { JobsView } from "./jobs-view.ts";
import { OverviewView } from "./overview-view.ts";
import { formatRoute, parseRoute, type Route } from "./route.ts";
import { shell } from "./shell.ts";
import { SpaceView } from "./space-view.ts";
import { SpacesView } from "./spaces-view.ts";
import { StreamView } from "./stream-view.ts";
import { StreamsView } from "./streams-view.ts";
import { isTyping } from "./typing.ts";
import type { View, ViewContext } from "./view.ts";

/** The page: one view at a time inside the frame of navigation, drawn again when something it shows has changed. */
export class App {
  readonly #root: HTMLElement;
  readonly #context: ViewContext;
  #route: Route = parseRoute(location.hash);
  #view: View;
  #isDrawing = false;

  constructor(root: HTMLElement) {
    this.#root = root;
    const redraw = () => this.#redraw();
    this.#context = { engine: new Engine(redraw), redraw, go: (route, how) => this.#go(route, how) };
    this.#view = createView(this.#context, this.#route);
  }

  start(): void {
    addEventListener("hashchange", () => this.#follow());
    addEventListener("keydown", (event) => this.#keydown(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#redraw());
    this.#redraw();
  }

  #go(route: Partial<Route> & Pick<Route, "view">, how = { replace: false }): void {
    const hash = formatRoute(route);
    if (hash === location.hash) return;
    if (how.replace) history.replaceState(null, "", hash);
    else location.hash = hash;
    if (how.replace) this.#follow();
  }

  #follow(): void {
    const last = this.#route;
    this.#route = parseRoute(location.hash);
    if (last.view === this.#route.view && last.id === this.#route.id) this.#view.update?.(this.#route);
    else {
      this.#view.close?.();
      this.#view = createView(this.#context, this.#route);
      scrollTo(0, 0);
    }
    this.#redraw();
  }

  #keydown(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#view.keydown?.(event)) event.preventDefault();
    else if (event.key === "/" && !isTyping(event.target)) {
      event.preventDefault();
      this.#go({ view: "ask" });
    }
  }

  #redraw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      render(this.#draw(), this.#root);
    });
  }

  #draw(): TemplateResult | typeof nothing {
    const { engine, redraw } = this.#context;
    return shell({ engine, redraw, current: this.#route.view, content: html`${this.#view.render()}` });
  }
}

function createView(context: ViewContext, route: Route): View {
  const { view, id } = route;
  if (view === "ask") return new AskView(context, route);
  if (view === "extract") return new ExtractView(context, route);
  if (view === "jobs") return id === undefined ? new JobsView(context) : new JobView(context, id);
  if (view === "streams") return id === undefined ? new StreamsView(context) : new StreamView(context, id);
  if (view === "spaces") return id === undefined ? new SpacesView(context) : new SpaceView(context, id);
  return new OverviewView(context);
}
