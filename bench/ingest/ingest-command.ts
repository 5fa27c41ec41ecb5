/** `bench ingest`: puts a load of observations and recalls on an engine and says what became of it. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MillraceError } from "@millrace/core";
import { readVectorFiles } from "../vector/index-files.ts";
import type { VectorSet } from "../vector/measure/vector-set.ts";
import { openEngineTarget } from "./engine-target.ts";
import { INGEST_USAGE, type IngestCommandOptions, readIngestOptions } from "./ingest-options.ts";
import { describeResult } from "./ingest-result.ts";
import { type IngestOutcome, runIngest } from "./run-ingest.ts";
import { openWireTarget } from "./wire-target.ts";

/** Returns the exit code: 1 when the run does not add up. Throws `invalid_argument`, `not_found`, `conflict`, `too_large`. */
export async function runIngestCommand(args: string[]): Promise<number> {
  if (args.includes("--help")) {
    console.log(INGEST_USAGE);
    return 0;
  }
  const options = readIngestOptions(args);
  const { result, problems } = await ingestFiles(options);
  console.log(options.isJson ? JSON.stringify(result) : describeResult(result));
  for (const problem of problems) console.error(`the run fails: ${problem}`);
  return problems.length === 0 ? 0 : 1;
}

async function ingestFiles(options: IngestCommandOptions): Promise<IngestOutcome> {
  const { basePath, queryPath, truthPath, dims } = options;
  const files = { basePath, queryPath, truthPath, dims, metric: "cosine" } as const;
  const set = readVectorFiles({
    ...files,
    recall: undefined,
    workers: 0,
    spaces: 1,
    isGraphForced: false,
    isJson: true,
  });
  return ingestSet(set, options);
}

/** One run in a data directory of its own, which is removed unless it was asked for. */
export async function ingestSet(
  set: VectorSet,
  options: Pick<IngestCommandOptions, "run" | "engine" | "isWire" | "directory" | "isJson">,
): Promise<IngestOutcome> {
  const { run, engine, isWire, directory, isJson } = options;
  if (directory !== undefined) checkEmpty(directory);
  const kept = directory ?? mkdtempSync(join(tmpdir(), "millrace-ingest-"));
  try {
    const rssBeforeBytes = process.memoryUsage.rss();
    const { encoding } = run;
    const open = isWire ? openWireTarget : openEngineTarget;
    await using target = await open({ ...engine, directory: kept, dims: set.dims, encoding });
    const onStage = isJson ? () => {} : (stage: string) => console.error(stage);
    // A server's process is measured apart from the producer's, which hands its vectors over as they are.
    return isWire
      ? await runIngest({ ...run, encoding: "f32" }, { set, target, rssBeforeBytes: target.rssBytes(), onStage })
      : await runIngest(run, { set, target, rssBeforeBytes, onStage });
  } finally {
    if (directory === undefined) rmSync(kept, { recursive: true, force: true });
  }
}

function checkEmpty(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  const message = `--data ${directory} is not empty; a run needs spaces of its own: give another directory`;
  throw new MillraceError("conflict", message);
}
