import { LABEL_CHARS_MAX } from "./limits.ts";

/** A title or heading cut to what a label may hold, at a word where there is one near the end. */
export function shortLabel(label: string): string {
  if (label.length <= LABEL_CHARS_MAX) return label;
  const cut = label.slice(0, LABEL_CHARS_MAX - 1);
  const word = cut.lastIndexOf(" ");
  const kept = word > LABEL_CHARS_MAX / 2 ? cut.slice(0, word) : cut.replace(/[\ud800-\udbff]$/, "");
  return `${kept.trimEnd()}…`;
}
