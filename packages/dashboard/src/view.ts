import type { TemplateResult } from "lit-html";
import type { Engine } from "./engine.ts";
import type { Route } from "./route.ts";

/** What a view is given. */
export type ViewContext = {
  readonly engine: Engine;
  /** Draws the page again soon; many calls are one drawing. */
  readonly redraw: () => void;
  /** Puts the reader somewhere else; `replace` leaves no step for the back button. */
  readonly go: (route: Partial<Route> & Pick<Route, "view">, how?: { readonly replace: boolean }) => void;
};

/** One page. Made when the reader comes, closed when they leave. */
export interface View {
  render(): TemplateResult;
  /** The address changed within the view. */
  update?(route: Route): void;
  /** True when the key was used. */
  keydown?(event: KeyboardEvent): boolean;
  close?(): void;
}
