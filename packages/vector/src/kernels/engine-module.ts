import { MillraceError } from "@millrace/core";
import { engineRelaxedBase64, engineScalarBase64, engineSimdBase64 } from "./compiled.ts";
import { createWasmBuilds } from "./wasm-builds.ts";

/**
 * Builds of the engine from one source, fastest first: with relaxed SIMD, with SIMD, and with neither. All leave the same bytes
 * in a segment and return the same results.
 */
export const ENGINE_BUILDS = ["relaxed", "simd", "scalar"] as const;
export type EngineBuild = (typeof ENGINE_BUILDS)[number];

const builds = createWasmBuilds<EngineBuild>({
  relaxed: engineRelaxedBase64,
  simd: engineSimdBase64,
  scalar: engineScalarBase64,
});

/** Whether this runtime can run the build: its own bytes are validated, which is the exact question. */
export function isBuildSupported(build: EngineBuild): boolean {
  return builds.isSupported(build);
}

/** The fastest build this runtime can run. `unavailable` when it can run none: it lacks WebAssembly threads. */
export function bestBuild(): EngineBuild {
  const build = ENGINE_BUILDS.find(isBuildSupported);
  if (build) return build;
  throw new MillraceError("unavailable", "this runtime has no WebAssembly threads; use Node 20 or newer");
}

/** The compiled build, once per thread. `unavailable` when the runtime lacks its instructions. */
export function engineModule(build: EngineBuild): WebAssembly.Module {
  return builds.module(build);
}
