import type { FigureKind } from "../src/case.ts";
import type { BenchResult } from "../src/result.ts";

/** A result with one figure, for tests of what is done with results. */
export function resultOf(name: string, kind: FigureKind, median: number, figure = "figure"): BenchResult {
  return {
    case: name,
    title: `title of ${name}`,
    unit: "µs",
    figures: { [figure]: { kind, unit: "µs", median, min: median * 0.9, max: median * 1.1, samples: [median] } },
    options: { dims: 3 },
    repeats: 1,
    warmup: 0,
    machine: { cpu: "A & B <CPU>", cores: 2, memoryBytes: 8 * 1024 ** 3, node: "v24.0.0", os: "Linux 6 x64" },
    commit: "0123456789abcdef0123456789abcdef01234567",
    dirty: false,
    startedAt: "2026-01-01T00:00:00.000Z",
  };
}
