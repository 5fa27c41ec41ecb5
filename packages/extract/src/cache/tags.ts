/** Names to purge values by. */
import { checkInteger, checkText } from "@millrace/core";
import { CACHE_TAG_CHARS_MAX, CACHE_TAGS_MAX } from "../limits.ts";

const TAG = new RegExp(`^[^]{1,${CACHE_TAG_CHARS_MAX}}$`);

/** `tags` without repetitions; throws `invalid_argument` when they are too many or one is empty or too long. */
export function checkTags(tags: readonly string[]): readonly string[] {
  const distinct = [...new Set(tags)];
  checkInteger("cache tags", distinct.length, { min: 0, max: CACHE_TAGS_MAX });
  for (const tag of distinct) {
    checkText("cache tag", tag, { pattern: TAG, rule: `it must have 1 to ${CACHE_TAG_CHARS_MAX} characters` });
  }
  return distinct;
}

/** `tags`, then as many of the `earlier` as the limit leaves room for: a value that is renewed for years must not gather ever more. */
export function joinTags(tags: readonly string[], earlier: readonly string[]): readonly string[] {
  return [...new Set([...tags, ...earlier])].slice(0, CACHE_TAGS_MAX);
}
