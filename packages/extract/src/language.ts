/** The language of a text: what the source says, else what its letters look like. */
import { detectAll } from "tinyld";

/** A detector reads n-grams; a few thousand characters settle it. */
const SAMPLE_CHARS = 2_000;
/** Below this a guess is noise. */
const SAMPLE_LETTERS_MIN = 60;
/** A line of prose in a language with spaces has this many words; names, code and tables have fewer. */
const LINE_WORDS_MIN = 5;
/** tinyld's own figure, 0 … 1; between kin (da, nb; cs, sk) it stays low even on long texts, so this is no bar to those. */
const ACCURACY_MIN = 0.1;

/** For text in Latin letters: the languages people write documentation in. Open to all, the detector takes API lists for Hindi. */
const LATIN = "en de fr es pt it nl pl cs sk sv da no fi hu ro hr sl tr vi id ca et lv lt".split(" ");

/** ISO 639-1 in lower case, or undefined when nothing says and the detector is unsure. `declared` may be "en-GB" or "pt_BR". */
export function languageOf(declared: string | undefined, text: string): string | undefined {
  const named = declared === undefined ? undefined : /^\s*([a-z]{2,3})(?![a-z])/i.exec(declared)?.[1]?.toLowerCase();
  if (named && named !== "und") return named;
  const sample = proseSample(text);
  if (sample.replace(/[^\p{L}]+/gu, "").length < SAMPLE_LETTERS_MIN) return undefined;
  const latin = sample.replace(/[^\p{Script=Latin}]+/gu, "").length;
  const isLatin = latin * 2 > sample.replace(/[^\p{L}]+/gu, "").length;
  const [best] = detectAll(sample, isLatin ? { only: [...LATIN] } : {});
  return best && best.accuracy >= ACCURACY_MIN ? best.lang : undefined;
}

/** The first lines that read like sentences: mostly letters, several words, or a script that does without spaces. */
function proseSample(text: string): string {
  let sample = "";
  for (const line of text.slice(0, SAMPLE_CHARS * 20).split("\n")) {
    if (sample.length >= SAMPLE_CHARS) break;
    const letters = line.replace(/[^\p{L}\p{M}]+/gu, "").length;
    const isSpaceless = /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]{6}/.test(line);
    const words = line.split(/\s+/).filter((word) => /\p{L}/u.test(word)).length;
    if (letters > line.length * 0.65 && (isSpaceless || words >= LINE_WORDS_MIN)) sample += `${line}\n`;
  }
  return sample.slice(0, SAMPLE_CHARS);
}
