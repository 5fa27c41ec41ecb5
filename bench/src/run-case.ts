/**
 * The child process: runs one case once, after warm-up, and prints its figures as JSON on the last line of stdout.
 * `node --conditions=source bench/src/run-case.ts NAME --warmup 1 [--cases DIR]`; also what `--baseline` calls in another
 * checkout.
 */
import { parseArgs } from "node:util";
import { checkInteger, MillraceError } from "@millrace/core";
import { checkMeasurement } from "./case.ts";
import { CASES_DIRECTORY, findCases } from "./find-cases.ts";
import { WARMUP_MAX } from "./limits.ts";

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { warmup: { type: "string", default: "0" }, cases: { type: "string", default: CASES_DIRECTORY } },
    allowPositionals: true,
  });
  const warmup = checkInteger("--warmup", Number(values.warmup), { min: 0, max: WARMUP_MAX });
  const chosen = (await findCases(values.cases)).find(({ name }) => name === positionals[0]);
  if (!chosen) throw new MillraceError("not_found", `there is no case named ${positionals[0]}`);
  const state = await chosen.setup?.();
  try {
    const unmeasured = chosen.isSelfWarming ? 0 : warmup;
    for (let at = 0; at < unmeasured; at++) await chosen.run(state);
    const measurement = checkMeasurement(chosen, await chosen.run(state));
    process.stdout.write(`\n${JSON.stringify(measurement)}\n`);
  } finally {
    await chosen.teardown?.(state);
  }
}

try {
  await main();
} catch (error) {
  console.error(error instanceof MillraceError ? error.message : error);
  process.exitCode = 1;
}
