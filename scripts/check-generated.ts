/** Proves that every generated file in the tree is what its script makes. Exits 1 on a difference, naming the script to run. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");

const CHECKS = [
  { script: "scripts/build-kernels.ts", about: "WASM kernels" },
  { script: "scripts/build-static-model.ts", about: "embedding table" },
  { script: "packages/extract/scripts/training/write-model.ts", about: "extraction model" },
  { script: "bench/src/main.ts", arguments: ["report"], about: "docs/benchmarks.md" },
];

let failed = 0;
for (const { script, arguments: words = [], about } of CHECKS) {
  if (!existsSync(join(root, script))) throw new Error(`${script} is missing`);
  const { status } = spawnSync(process.execPath, ["--conditions=source", script, ...words, "--check"], {
    cwd: root,
    stdio: "inherit",
  });
  console.log(`${status === 0 ? "ok  " : "FAIL"} ${about} (${script})`);
  if (status !== 0) failed++;
}
process.exit(failed === 0 ? 0 : 1);
