/** What is said of a source whose text is empty because its first block alone is longer than a text may be: texts are cut at blocks. */
import { TEXT_CHARS_MAX } from "./limits.ts";

/** Undefined where there is text, or no block was left out; `leftOutChars` are those of the block at which the text was cut. */
export function tooLongReason(text: string, leftOutChars: number): string | undefined {
  if (text !== "" || leftOutChars === 0) return undefined;
  return `one block of its text has ${leftOutChars} characters; ${TEXT_CHARS_MAX} is the limit of a document's text, which is cut between blocks; split it`;
}
