/**
 * Fits the gate's logistic regression on half of the domains of the WCXB development split (CC-BY-4.0) and pages made from them, and
 * judges it on the other half. Seeded: the same data gives the same table.
 *
 *   node --conditions=source packages/extract/scripts/calibrate-gate.ts --data DIR [--write]
 *
 * `--write` writes the coefficients and the calibration plot into the tree; without it they are only printed.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gunzipSync } from "node:zlib";
import { createRng, type Rng } from "@millrace/core";
import { Parser } from "htmlparser2";
import { decodeText } from "../src/decode-text.ts";
import { POOR_CHARS, readEvidence } from "../src/gate/evidence.ts";
import { featuresOf, GATE_FEATURE_NAMES, GATE_FEATURES } from "../src/gate/features.ts";
import { GATE_THRESHOLDS } from "../src/gate/gate.ts";
import { readMetadata } from "../src/metadata/read-metadata.ts";
import { readStructuredText } from "../src/metadata/structured-text.ts";
import { readPage } from "../src/page/read-page.ts";
import { tokenizeJs } from "../src/tokenizer/tokenize-js.ts";
import { type Fit, fitLogistic, type Row } from "./gate/fit-logistic.ts";
import { type Sample, VARIANTS } from "./gate/page-variants.ts";
import { drawReliability, type Outcome, type Reliability, reliabilityOf } from "./gate/reliability.ts";

const SEED = 20_261_121;
const RIDGE = 0.5;
/** The static result suffices when an extractor that made no mistake would find this share of the reference's words. */
const RECALL_MIN = 0.7;
/** Pages of a half that variants are made of; the variants weigh as if all were. */
const VARIANT_PAGES = 1 / 3;

type Half = "fit" | "held";
type Case = Row & { readonly half: Half; readonly kind: string; readonly id: string };
type Truth = { readonly ground_truth: { readonly main_content?: string | null } };
type Listing = { readonly files: Record<string, { readonly domain: string }> };

const { values } = parseArgs({ options: { data: { type: "string" }, write: { type: "boolean", default: false } } });
if (!values.data) throw new Error("give the folder of wcxb-dev with --data DIR");
calibrate(values.data, values.write);

function calibrate(folder: string, isWritten: boolean): void {
  const cases = readCases(folder);
  const fit = fitLogistic(
    cases.filter(({ half }) => half === "fit"),
    { signs: GATE_FEATURE_NAMES.map((name) => GATE_FEATURES[name]), ridge: RIDGE },
  );
  const outcomes = cases.map((one) => ({ ...one, probability: probabilityOf(fit, one) }));
  const held = outcomes.filter(({ half }) => half === "held");
  const reliability = reliabilityOf(held);
  report(fit, { outcomes, reliability });
  if (!isWritten) return;
  const root = join(import.meta.dirname, "..");
  writeFileSync(join(root, "src/gate/coefficients.generated.ts"), tableOf(fit));
  writeFileSync(join(root, "../../docs/images/gate-calibration.svg"), drawReliability(reliability));
}

function readCases(folder: string): Case[] {
  const listing = JSON.parse(readFileSync(join(folder, "metadata.json"), "utf8")) as Listing;
  const rng = createRng(SEED);
  return readdirSync(join(folder, "html"))
    .sort()
    .flatMap((name) => {
      const id = name.slice(0, 4);
      const truth = JSON.parse(readFileSync(join(folder, "ground-truth", `${id}.json`), "utf8")) as Truth;
      const html = decodeText(gunzipSync(readFileSync(join(folder, "html", name))), { isHtml: true });
      const reference = truth.ground_truth.main_content ?? "";
      const half = halfOf(listing.files[id]?.domain || createHash("sha256").update(html).digest("hex"));
      const made = variantsOf({ html, reference }, rng);
      // Without a reference nothing says whether the page suffices.
      if (reference.trim() === "") return [];
      return [{ sample: { html, reference }, kind: "real", weight: 1 }, ...made].map(({ sample, kind, weight }) => ({
        ...judged(sample),
        weight,
        half,
        kind,
        id,
      }));
    });
}

function variantsOf(page: Sample, rng: Rng): { sample: Sample; kind: string; weight: number }[] {
  if (rng() >= VARIANT_PAGES) return [];
  return VARIANTS.map(({ name, share, make }) => ({
    sample: make(page, rng),
    kind: name,
    weight: share / VARIANT_PAGES,
  }));
}

/** The half is drawn by a hash of the domain, so a domain is on one side only. */
function halfOf(domain: string): Half {
  return (createHash("sha256").update(`millrace:${domain}`).digest()[0] ?? 0) < 128 ? "fit" : "held";
}

function judged({ html, reference }: Sample): { features: readonly number[]; label: 0 | 1 } {
  const page = readPage(html, tokenizeJs(html));
  const bare = readEvidence(page, { keptChars: 0 });
  const isPoor = bare.visibleChars < POOR_CHARS;
  const structured = isPoor ? (readStructuredText(page, readMetadata(page, undefined))?.text ?? "") : "";
  const features = featuresOf({ ...bare, structuredChars: structured.length });
  return {
    features: GATE_FEATURE_NAMES.map((name) => features[name]),
    label: recallOf(reference, `${oracleText(html)} ${structured}`) >= RECALL_MIN ? 1 : 0,
  };
}

/** All text that a page shows without scripts, by another parser than the one judged. */
function oracleText(html: string): string {
  let text = "";
  let hidden = 0;
  const isHiding = (tag: string) => tag === "script" || tag === "style" || tag === "template";
  const parser = new Parser({
    onopentag: (tag) => {
      if (isHiding(tag)) hidden++;
    },
    ontext: (chunk) => {
      if (hidden === 0) text += chunk;
    },
    onclosetag: (tag) => {
      text += " ";
      if (isHiding(tag)) hidden = Math.max(0, hidden - 1);
    },
  });
  parser.end(html);
  return text;
}

function recallOf(reference: string, text: string): number {
  const wanted = new Map<string, number>();
  let [total, hits] = [0, 0];
  for (const [word] of reference.toLowerCase().matchAll(/[\p{L}\p{N}_]+/gu)) {
    wanted.set(word, (wanted.get(word) ?? 0) + 1);
    total++;
  }
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}_]+/gu)) {
    const left = wanted.get(word) ?? 0;
    if (left === 0) continue;
    wanted.set(word, left - 1);
    hits++;
  }
  return total === 0 ? 0 : hits / total;
}

function probabilityOf({ base, coefficients }: Fit, { features }: Row): number {
  const score = features.reduce((sum, value, at) => sum + value * (coefficients[at] ?? 0), base);
  return 1 / (1 + Math.exp(-score));
}

function tableOf({ base, coefficients }: Fit): string {
  const rows = GATE_FEATURE_NAMES.map((name, at) => `  ${name}: ${rounded(coefficients[at] ?? 0)},`);
  return `/** Made by scripts/calibrate-gate.ts from the WCXB development split (CC-BY-4.0), seed ${SEED}; do not edit. */
import type { GateFeature } from "./features.ts";

export const GATE_COEFFICIENTS: Readonly<Record<GateFeature | "base", number>> = {
  base: ${rounded(base)},
${rows.join("\n")}
};
`;
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

type Judged = Case & Outcome;

function report(fit: Fit, { outcomes, reliability }: { outcomes: readonly Judged[]; reliability: Reliability }): void {
  console.log(
    "base",
    rounded(fit.base),
    Object.fromEntries(GATE_FEATURE_NAMES.map((name, at) => [name, rounded(fit.coefficients[at] ?? 0)])),
  );
  for (const half of ["fit", "held"] as const) {
    const of = outcomes.filter((one) => one.half === half);
    const { brier, ece } = reliabilityOf(of);
    const real = reliabilityOf(of.filter(({ kind }) => kind === "real"));
    const share =
      of.reduce((sum, { label, weight }) => sum + label * weight, 0) / of.reduce((sum, one) => sum + one.weight, 0);
    console.log(
      half,
      "share that suffices",
      share.toFixed(3),
      "Brier of saying so of every page",
      (share * (1 - share)).toFixed(4),
    );
    console.log(
      half,
      of.length,
      "brier",
      brier.toFixed(4),
      "ece",
      ece.toFixed(4),
      "real pages only",
      real.brier.toFixed(4),
      real.ece.toFixed(4),
    );
  }
  console.table(reliability.bins);
  const held = outcomes.filter(({ half }) => half === "held");
  const kinds = [...new Set(held.map(({ kind }) => kind))];
  console.table(
    kinds.flatMap((kind) =>
      [1, 0].map((label) => ({
        kind,
        enough: label,
        ...decisionsOf(held.filter((one) => one.kind === kind && one.label === label)),
      })),
    ),
  );
  const wrong = held.filter(({ kind, label, probability }) => kind === "real" && Math.abs(probability - label) > 0.5);
  console.log(
    "real pages on the wrong side",
    wrong.map(({ id, label, probability }) => `${id} enough=${label} p=${probability.toFixed(3)}`),
  );
}

function decisionsOf(of: readonly Judged[]): Record<string, number> {
  const isStatic = (one: Judged) => one.probability >= GATE_THRESHOLDS.static;
  const isDynamic = (one: Judged) => one.probability < GATE_THRESHOLDS.dynamic;
  return {
    pages: of.length,
    static: of.filter(isStatic).length,
    probe: of.filter((one) => !isStatic(one) && !isDynamic(one)).length,
    dynamic: of.filter(isDynamic).length,
  };
}
