/** Made by scripts/calibrate-gate.ts from the WCXB development split (CC-BY-4.0), seed 20261121; do not edit. */
import type { GateFeature } from "./features.ts";

export const GATE_COEFFICIENTS: Readonly<Record<GateFeature | "base", number>> = {
  base: 2.055,
  text: 0.741,
  prose: 1.559,
  own: 0.337,
  inert: 1.213,
  links: -0.603,
  script: -0.712,
  emptyRoot: -0.946,
  asksForScript: -1.851,
  placeholder: -1.382,
  wall: -2.102,
  consent: -1.282,
  refresh: -0.398,
  frames: -0.612,
};
