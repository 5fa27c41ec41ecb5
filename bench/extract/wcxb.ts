/** The development split of WCXB (CC-BY-4.0), beside the checkout; for measuring only and never committed. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { note } from "../src/note.ts";
import { createOwnExtractor, type OwnExtract } from "./own-extractor.ts";
import { type PageSet, readPageSet } from "./page-set.ts";
import { loadTrainingPages, TrainedOn } from "./training-pages.ts";

/** `html/` and `ground-truth/` in it. The environment variable names another place. */
const DIRECTORY = process.env.MILLRACE_WCXB ?? join(import.meta.dirname, "../../../shared/data/wcxb-dev");
/** Models of the cross-validation, as the training script writes them. */
const FOLDS = process.env.MILLRACE_EXTRACT_FOLDS ?? join(import.meta.dirname, "../../.cache/extract-folds");

export type WcxbJudge = { readonly set: PageSet; readonly own: OwnExtract };

/**
 * Pages, and an extractor that was trained on none of them: that of the page's fold, or the shipped one when it was trained on other
 * pages. Undefined, with a note in the result, when there is no such extractor or no data.
 */
export async function openWcxb({
  limit,
}: {
  readonly limit?: number | undefined;
} = {}): Promise<WcxbJudge | undefined> {
  if (!existsSync(DIRECTORY)) {
    note(`data missing: wcxb-dev is not in ${DIRECTORY}; give its folder with MILLRACE_WCXB`);
    return undefined;
  }
  const set = readPageSet({ pages: join(DIRECTORY, "html"), truth: join(DIRECTORY, "ground-truth"), limit });
  if (existsSync(join(FOLDS, "folds.json"))) return { set, own: createOwnExtractor({ folds: FOLDS }) };
  if (await isTrainedOn(set)) {
    note(`data missing: no models of folds in ${FOLDS}; give their folder with MILLRACE_EXTRACT_FOLDS`);
    return undefined;
  }
  return { set, own: createOwnExtractor() };
}

/** Whether the shipped model has seen one of the pages or its domain. */
async function isTrainedOn({ pages }: PageSet): Promise<boolean> {
  const training = await loadTrainingPages();
  if (!training) return false;
  const trained = new TrainedOn(training);
  return pages.some((page) => trained.holds(page, page.read()));
}
