/** Evidence to the numbers that the logistic regression weighs. */
import type { GateEvidence } from "./evidence.ts";

/**
 * In the order of the coefficients, with the sign that a coefficient may have. The signs are part of the fit: more text never makes a
 * browser likelier, a mark of a shell never makes it less likely, and every contribution can be read as a reason.
 */
export const GATE_FEATURES = {
  /** Decades of text above 1,000 characters: what is visible, and what JSON-LD or a hydration payload carries. */
  text: 1,
  /** Decades of prose above 300 characters, likewise. */
  prose: 1,
  /** Decades of text outside links above 300 characters: lists, tables and short lines too. */
  own: 1,
  /** Nothing that a browser would run or fetch: no script, frame or refresh. */
  inert: 1,
  /** Share of the text that is links. */
  links: -1,
  /** Decades of script above 1,000 characters; an external script counts as 20,000. */
  script: -1,
  /** An empty application root. */
  emptyRoot: -1,
  /** The page asks for scripts to be allowed. */
  asksForScript: -1,
  /** Elements that stand in for content. */
  placeholder: -1,
  /** A bot wall. */
  wall: -1,
  /** Share of the text that asks for consent. */
  consent: -1,
  /** A refresh to another address. */
  refresh: -1,
  /** Frames. */
  frames: -1,
} as const;

export type GateFeature = keyof typeof GATE_FEATURES;

export const GATE_FEATURE_NAMES = Object.keys(GATE_FEATURES) as readonly GateFeature[];

/** Stands in for the size of a script that is not in the page. */
const EXTERNAL_SCRIPT_CHARS = 20_000;

/** Characters of an alphabet that say as much as one of Chinese, Japanese or Korean. */
const WIDE_CHAR_CHARS = 3;

/** 1 for no more than 50 characters of text, falling by decades to 0 at 5,000: marks of shells weigh by it. */
function poverty(chars: number): number {
  return Math.min(1, Math.max(0, (3.7 - Math.log10(1 + chars)) / 2));
}

export function featuresOf(evidence: GateEvidence): Readonly<Record<GateFeature, number>> {
  const { visibleChars, linkChars } = evidence;
  // What is not in the markup but can be read, and what scripts of few characters say more in.
  const more = evidence.structuredChars + evidence.wideChars * (WIDE_CHAR_CHARS - 1);
  const poor = poverty(visibleChars + more);
  const script = evidence.scriptChars + evidence.externalScripts * EXTERNAL_SCRIPT_CHARS;
  return {
    text: Math.max(-3, decades(visibleChars + more, 1_000)),
    prose: Math.max(-1, decades(evidence.proseChars + more, 300)),
    own: Math.max(-2, decades(visibleChars - linkChars + more, 300)),
    inert: evidence.scripts + evidence.frames + evidence.refresh === 0 ? 1 : 0,
    links: poor * (linkChars / Math.max(1, visibleChars)),
    script: poor * Math.max(0, decades(script, 1_000)),
    emptyRoot: poor * evidence.emptyRoot,
    asksForScript: poor * evidence.asksForScript,
    placeholder: poor * Math.min(1, evidence.placeholders / 3),
    wall: poor * Math.min(1, evidence.wallMarks / 2),
    consent: poor * evidence.consentShare,
    refresh: poor * evidence.refresh,
    frames: poor * Math.min(1, evidence.frames),
  };
}

/** log10 of `chars` to `unit`, at most 2: beyond, more says nothing. */
function decades(chars: number, unit: number): number {
  return Math.min(2, Math.log10((1 + chars) / unit));
}
