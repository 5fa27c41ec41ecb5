import { MillraceError } from "@millrace/core";
import { READ_MODES, type ReadMode, type ReadOptions } from "../document.ts";
import { checkSelectors } from "./select-elements.ts";

/** The mode that the options mean: theirs, "selectors" where there are some, else "article". */
export function modeOf({ mode, selectors }: ReadOptions): ReadMode {
  return mode ?? (selectors === undefined ? "article" : "selectors");
}

/** The options with their mode; `invalid_argument` for an unknown mode, bad selectors, and selectors in another mode. */
export function checkReadOptions(options: ReadOptions): ReadOptions & { readonly mode: ReadMode } {
  const mode = modeOf(options);
  const { selectors } = options;
  if (!READ_MODES.includes(mode))
    throw invalid(`mode is ${JSON.stringify(mode)}; it must be one of ${READ_MODES.join(", ")}`);
  if (mode !== "selectors" && selectors !== undefined)
    throw invalid(`selectors go with the mode "selectors", not "${mode}"; leave out one of them`);
  if (mode === "selectors") checkSelectors(selectors ?? []);
  return { ...options, mode };
}

function invalid(message: string): MillraceError {
  return new MillraceError("invalid_argument", message);
}
