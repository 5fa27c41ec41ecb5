/** The benchmark harness: named cases, each run in a process of its own, results as JSON, comparison and report. */
export {
  type BenchCase,
  type CaseOptions,
  defineCase,
  type Figure,
  type FigureKind,
  type Measurement,
  type TypedCase,
} from "./case.ts";
export { type Comparison, compareResults, type FigureComparison, type Verdict } from "./compare.ts";
export { CASES_DIRECTORY, chooseCases, findCases } from "./find-cases.ts";
export { RESULTS_DIRECTORY, type ReportOptions, type ReportOutcome, report } from "./report.ts";
export { type BenchResult, type FigureResult, type Machine, readResults, type Summary } from "./result.ts";
export { type RunOptions, runCases } from "./run-cases.ts";
