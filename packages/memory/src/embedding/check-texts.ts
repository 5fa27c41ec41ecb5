import { MillraceError } from "@millrace/core";
import { TEXT_CHARS_MAX, TEXTS_MAX } from "./limits.ts";

/** Throws `invalid_argument` or `too_large` when the texts of a call are outside the limits. */
export function checkTexts(texts: readonly string[]): void {
  if (texts.length > TEXTS_MAX)
    throw new MillraceError(
      "too_large",
      `${texts.length} texts in one call; the limit is ${TEXTS_MAX}; split the call`,
    );
  for (let at = 0; at < texts.length; at++) {
    const text: unknown = texts[at];
    if (typeof text !== "string")
      throw new MillraceError("invalid_argument", `text ${at} is a ${typeof text}; embed strings`);
    if (text.length > TEXT_CHARS_MAX)
      throw new MillraceError(
        "too_large",
        `text ${at} has ${text.length} characters; the limit is ${TEXT_CHARS_MAX}; chunk it first`,
      );
  }
}
