/** Scores rows by the faster of the two ways through trees: the kernel, or JavaScript where there is none. */
import { type Exit, type Rows, scoreRows as scoreRowsJs, type Trees } from "./trees.ts";
import { TreesKernel } from "./trees-wasm.ts";

/** One for each model that is in use. */
const kernels = new WeakMap<Trees, { readonly stride: number; readonly kernel: TreesKernel | undefined }>();

/** Probabilities of rows, as `trees.ts` says. */
export function scoreRows(trees: Trees, rows: Rows, exits: readonly Exit[] = []): void {
  let kept = kernels.get(trees);
  if (kept?.stride !== rows.stride) {
    kept = { stride: rows.stride, kernel: TreesKernel.create(trees, rows.stride) };
    kernels.set(trees, kept);
  }
  if (kept.kernel) kept.kernel.score(rows, exits);
  else scoreRowsJs(trees, rows, exits);
}
