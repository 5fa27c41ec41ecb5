/**
 * Does the page as it was fetched hold its text, or does it need a browser? A logistic regression over a few numbers of the page. Its
 * coefficients are made by `scripts/calibrate-gate.ts`; docs/gate.md has its data and its calibration.
 */
import { GATE_COEFFICIENTS } from "./coefficients.generated.ts";
import type { GateEvidence } from "./evidence.ts";
import { featuresOf, GATE_FEATURE_NAMES } from "./features.ts";

/** `static`: the page has its text. `dynamic`: it needs a browser. `probe`: unsure, worth a short look. `pdf`: its text is a PDF it shows. */
export type GateDecision = "static" | "probe" | "dynamic" | "pdf";

export type GateThresholds = {
  /** `static` from this probability up. */
  readonly static: number;
  /** `dynamic` below this one; `probe` between the two. */
  readonly dynamic: number;
};

export type GateResult = {
  readonly decision: GateDecision;
  /** That the static result suffices, 0 … 1. */
  readonly probability: number;
  /** Log-odds; the sum of the contributions, of which `base` is the constant. */
  readonly score: number;
  readonly contributions: Readonly<Record<string, number>>;
  readonly thresholds: GateThresholds;
  /** The page wanted a browser and gets none: its share is used up, or the browser fails just now. */
  readonly degraded?: "budget" | "breaker";
};

/** What a mistake costs, in renderings: a page without its text three, a short look a third of one. */
const LOSS_RENDERINGS = 3;
const PROBE_RENDERINGS = 0.3;

/**
 * The cheapest choice at each probability p: static costs (1 − p) × loss, a probe its look and then (1 − p) of a rendering, dynamic one
 * rendering. So static from 1 − probe ÷ (loss − 1) = 0.85, and dynamic below 0.3.
 */
export const GATE_THRESHOLDS: GateThresholds = {
  static: 1 - PROBE_RENDERINGS / (LOSS_RENDERINGS - 1),
  dynamic: PROBE_RENDERINGS,
};

/** Judges a page by itself; what is known of its domain and the browser's budget are added by `createGate`. A pure function. */
export function judgeStatic(evidence: GateEvidence): GateResult {
  const features = featuresOf(evidence);
  const contributions: Record<string, number> = { base: GATE_COEFFICIENTS.base };
  for (const name of GATE_FEATURE_NAMES) {
    const contribution = GATE_COEFFICIENTS[name] * features[name];
    if (contribution !== 0) contributions[name] = contribution;
  }
  const judged = gateResult(contributions, evidence.pdfFrame === 1);
  if (features.inert !== 1 || judged.score >= CERTAIN_SCORE || judged.decision === "pdf") return judged;
  // Where nothing runs and nothing is fetched a browser shows the same, however little that is.
  return gateResult({ ...contributions, nothingToRun: CERTAIN_SCORE - judged.score }, false);
}

/** Log-odds of 0.95. */
const CERTAIN_SCORE = Math.log(19);

/** The result whose contributions are given. */
export function gateResult(contributions: Readonly<Record<string, number>>, isPdf: boolean): GateResult {
  let score = 0;
  for (const value of Object.values(contributions)) score += value;
  const probability = 1 / (1 + Math.exp(-score));
  const decision = decide(probability);
  return {
    decision: isPdf && decision !== "static" ? "pdf" : decision,
    probability,
    score,
    contributions,
    thresholds: GATE_THRESHOLDS,
  };
}

function decide(probability: number): GateDecision {
  if (probability >= GATE_THRESHOLDS.static) return "static";
  return probability < GATE_THRESHOLDS.dynamic ? "dynamic" : "probe";
}

/** What speaks most against a page, in words; undefined for a page that suffices. */
export function reasonOf({ decision, contributions }: GateResult): string | undefined {
  if (decision === "static") return undefined;
  if (decision === "pdf") return "the page shows a PDF";
  return strongest(contributions, MARKS) ?? strongest(contributions, TRAITS) ?? "the page holds almost no text";
}

function strongest(
  contributions: GateResult["contributions"],
  reasons: Readonly<Record<string, string>>,
): string | undefined {
  let least = -REASON_MIN;
  let reason: string | undefined;
  for (const [name, words] of Object.entries(reasons)) {
    const value = contributions[name] ?? 0;
    if (value < least) [least, reason] = [value, words];
  }
  return reason;
}

/** Log-odds that a mark takes before it is named: below, the little text is the reason. */
const REASON_MIN = 0.2;

/** By contribution. */
const MARKS: Readonly<Record<string, string>> = {
  emptyRoot: "the page is an empty application that scripts fill",
  asksForScript: "the page asks for scripts to be allowed",
  placeholder: "the page holds placeholders for content that scripts bring",
  wall: "the page is a wall that asks for a human reader",
  consent: "the page is a wall that asks for consent",
  refresh: "the page sends its reader on to another address",
  frames: "the page holds its content in frames",
  domain: "pages of this domain needed a browser before",
};

/** What many pages have that need no browser: named when there is no mark. */
const TRAITS: Readonly<Record<string, string>> = {
  links: "the page holds little but links",
  script: "the page holds scripts and almost no text",
};
