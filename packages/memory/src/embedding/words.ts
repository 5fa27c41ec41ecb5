/** Cuts text into the words that embeddings and full text know: lower case, identifiers taken apart. */

/**
 * One word a match, in order of preference: an acronym's plural (`URLs`), an acronym up to the word after it (`HTTP` of
 * `HTTPServer`), a word with at most one capital (`Server`), letters of a script without case, a number. So `maxBytes_v2`
 * gives max, Bytes, v, 2.
 */
const WORD =
  /\p{Lu}{2,}s(?![\p{Ll}\p{M}])|\p{Lu}+(?![\p{Ll}\p{M}])|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lm}\p{Lt}]+|\p{N}+/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the whole of ASCII is meant, which NFKC leaves as it is
const ASCII = /^[\x00-\x7f]*$/;

/** The words of `text`: NFKC, lower case, in order, repeats kept. Linear in the text. */
export function words(text: string): string[] {
  const found = (ASCII.test(text) ? text : text.normalize("NFKC")).match(WORD) ?? [];
  for (let at = 0; at < found.length; at++) found[at] = (found[at] as string).toLowerCase();
  return found;
}
