/** `bench extract`: how well, how fast and with how much memory main content is found, ours and peers' over the same pages. */
import { writeFileSync } from "node:fs";
import { describeExtract, describeWorst } from "./describe-extract.ts";
import { EXTRACT_USAGE, readExtractOptions } from "./extract-options.ts";
import { createOwnExtractor } from "./own-extractor.ts";
import { readPageSet } from "./page-set.ts";
import { runExtract } from "./run-extract.ts";
import { loadTrainingPages, TrainedOn } from "./training-pages.ts";

/** Pages between two signs of life on a terminal. */
const SIGN_PAGES = 100;

/** Returns the exit code. Throws `invalid_argument`, `not_found`, `unreadable_document`, `too_large`, `unavailable`. */
export async function runExtractCommand(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(EXTRACT_USAGE);
    return 0;
  }
  const options = readExtractOptions(args);
  const { seed, peers, isJson } = options;
  const set = readPageSet(options);
  const training = options.folds === undefined ? await loadTrainingPages() : undefined;
  const { result, scores, peerScores } = await runExtract({
    ...{ set, peers, seed, own: createOwnExtractor(options) },
    ...(training ? { trainedOn: new TrainedOn(training) } : {}),
    onPage: (done, total) => {
      if (!isJson && done % SIGN_PAGES === 0) console.error(`${done} of ${total} pages`);
    },
  });
  if (result.trainedOn > 0) console.error(`warning: trainedOn: ${result.trainedOn} pages. ${TRAINED_ON}`);
  if (options.scores !== undefined) writeFileSync(options.scores, JSON.stringify({ millrace: scores, ...peerScores }));
  console.log(isJson ? JSON.stringify(result) : describeExtract(result));
  if (options.worst > 0) console.error(describeWorst(scores, options.worst));
  return 0;
}

const TRAINED_ON =
  "The shipped model has seen them or their domains, so these figures say little of other pages; give --folds DIR";
