/** Which entries a purge means, those still being loaded included. */
import { MillraceError } from "@millrace/core";
import { splitKey } from "./cache-key.ts";
import { canonicalUrl } from "./canonical-url.ts";
import type { PurgeSelector } from "./entry.ts";

/** A load under way, and what was purged since it began: its result may be older than the purge. */
export type Loading = {
  readonly key: string;
  readonly tags: readonly string[];
  isPurged: boolean;
  readonly purgedTags: Set<string>;
};

/** The selector with its address in canonical spelling; throws `invalid_argument` when it names nothing. */
export function canonicalSelector(selector: PurgeSelector): PurgeSelector {
  if ("url" in selector) return { url: canonicalUrl(selector.url) };
  if ("prefix" in selector) return { prefix: canonicalUrl(selector.prefix) };
  if ("tag" in selector || selector.all) return selector;
  throw new MillraceError(
    "invalid_argument",
    `purge got ${JSON.stringify(selector)}; name a tag, a url, a prefix or all: true`,
  );
}

/** Whether an entry is meant; addresses of the selector are canonical. */
export function matches(selector: PurgeSelector, key: string, tags: readonly string[]): boolean {
  if ("tag" in selector) return tags.includes(selector.tag);
  if ("all" in selector) return true;
  const { url } = splitKey(key);
  return "url" in selector ? url === selector.url : url.startsWith(selector.prefix);
}

/** Whether what the load brought, with its own tags, was purged while it ran. */
export function wasPurged(loading: Loading, tags: readonly string[]): boolean {
  return loading.isPurged || tags.some((tag) => loading.purgedTags.has(tag));
}
