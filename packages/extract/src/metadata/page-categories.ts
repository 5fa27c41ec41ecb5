/** What a page is filed under. */
import { META_CHARS_MAX } from "../limits.ts";
import { isOfType, type LinkedData, type Thing, textsAt } from "./linked-data.ts";
import type { PageFacts } from "./page-facts.ts";
import { lettersOf } from "./page-title.ts";
import { elementText, type TokenSource } from "./token-text.ts";

export type CategoryEvidence = {
  readonly page: TokenSource;
  readonly facts: PageFacts;
  readonly data: LinkedData;
  readonly main: Thing | undefined;
  readonly title: string;
  readonly siteName: string | undefined;
};

/** Sections and tags of a page; keyword lists for search engines run longer and say less. */
const CATEGORIES_MAX = 32;
const CATEGORY_CHARS_MAX = 80;
/** Names that a breadcrumb's first step has. */
const ROOTS = new Set([
  "home",
  "homepage",
  "start",
  "startseite",
  "accueil",
  "inicio",
  "início",
  "ホーム",
  "главная",
  "首页",
  "all",
]);

/** Section, breadcrumbs, tags, keywords: in this order, each once. */
export function categoriesOf(evidence: CategoryEvidence): string[] {
  const { page, facts, data, main } = evidence;
  const found: string[] = [];
  const seen = new Set([lettersOf(evidence.title), lettersOf(evidence.siteName ?? ""), ""]);
  const add = (text: string): void => {
    const label = text.replace(/\s+/g, " ").trim();
    const letters = lettersOf(label);
    if (
      label.length > CATEGORY_CHARS_MAX ||
      seen.has(letters) ||
      ROOTS.has(label.toLowerCase()) ||
      found.length === CATEGORIES_MAX
    )
      return;
    seen.add(letters);
    found.push(label);
  };
  for (const name of ["article:section", "og:article:section", "parsely-section"]) add(facts.meta.get(name) ?? "");
  for (const section of textsAt(main, "articleSection", data)) add(section);
  for (const crumb of breadcrumbs(data)) add(crumb);
  for (const tag of facts.tags) addList(tag, add);
  for (const token of facts.tagLinks) add(elementText(page, token));
  for (const keywords of textsAt(main, "keywords", data)) addList(keywords, add);
  addList(facts.meta.get("keywords") ?? facts.meta.get("news_keywords") ?? "", add);
  return found;
}

function addList(text: string, add: (label: string) => void): void {
  const bounded = text.slice(0, META_CHARS_MAX).replace(/\s+/g, " ");
  for (const label of bounded.split(/\s*[,;,、]\s*/)) add(label);
}

/** The names of the first breadcrumb list but its last, which is the page. */
function breadcrumbs(data: LinkedData): string[] {
  const list = data.things.find((thing) => isOfType(thing, "BreadcrumbList"))?.itemListElement;
  if (!Array.isArray(list)) return [];
  const names = list.flatMap((step: unknown) => {
    if (typeof step !== "object" || step === null) return [];
    const name = textsAt(step as Thing, "name", data)[0] ?? textsAt(step as Thing, "item", data)[0];
    return name === undefined || /^https?:/.test(name) ? [] : [name];
  });
  return names.slice(0, -1);
}
