/** What tag, role, class and id say about the text inside an element. */
import { Trait } from "./blocks.ts";

export type Attributes = Readonly<Record<string, string>>;

const BY_TAG: Readonly<Record<string, number>> = {
  nav: Trait.nav,
  header: Trait.header,
  footer: Trait.footer,
  aside: Trait.aside,
  form: Trait.form,
  main: Trait.main,
  article: Trait.article,
  dialog: Trait.dialog,
  noscript: Trait.noscript,
};

const BY_ROLE: Readonly<Record<string, number>> = {
  navigation: Trait.nav,
  menu: Trait.nav,
  menubar: Trait.nav,
  banner: Trait.header,
  contentinfo: Trait.footer,
  complementary: Trait.aside,
  search: Trait.form,
  main: Trait.main,
  article: Trait.article,
  dialog: Trait.dialog,
  alertdialog: Trait.dialog,
};

/** Words of class and id, matched between separators (`-`, `_`, blanks, a change of case). */
const WAYFINDING =
  /(^|[-_ ])(breadcrumbs?|crumbs?|pager|pagination|paginator|prev-?next|next-?prev|page-?nav|edit-?(this-?)?page|skip-?(link|to|nav)|sr-only|screen-reader-text|visually-?hidden|line-?nos?|line-?numbers?|gutter|headerlink|header-anchor|toc-?(list|nav|container|wrapper)?|table-of-contents|on-?this-?page)($|[-_ ])/;
const FURNITURE =
  /(^|[-_ ])(ads?|advert\w*|sponsor\w*|promo\w*|banner|cookies?|consent|gdpr|newsletter|subscri(be|ption)|signup|sign-up|login|share|sharing|social\w*|related|recommend\w*|recirc\w*|also-like|more-(stories|posts|articles)|read-?more|trending|popular|most-?read|tags?|tag-?list|tag-?cloud|widgets?|copyright|legal|disclaimer|popup|modal|overlay|toolbar|menu|sub-?menu|megamenu|nav|navbar|navigation|sidebar|side-?nav|sidenav|site-?header|page-?header-?nav|footer|site-?footer|masthead|topbar|top-?bar|bottom-?bar|author-?(bio|box)|about-?author|upsell|cta|cart|wishlist|print-?only|no-?print|outbrain|taboola|disqus-?ad|search-?(form|box|bar)|filters?|facets?|language-?(switcher|selector))($|[-_ ])/;
const CONTENT =
  /(^|[-_ ])(article|article-?body|body-?content|content|main|main-?content|post|post-?(body|content)|entry|entry-?content|page-?content|story|story-?body|markdown-?body|rst-content|document|body|text|prose|description|docs?-?content)($|[-_ ])/;
const COMMENTS = /(^|[-_ ])(comments?|comment-?list|disqus\w*|respond|replies)($|[-_ ])/;

/** Hints repeat on every element of a page, so what a class string means is worked out once. Bounded: cleared when full. */
const HINTS_MAX = 20_000;
const hintsOf = new Map<string, number>();

export function traitsOf(tag: string, attributes: Attributes): number {
  let traits = BY_TAG[tag] ?? 0;
  const role = attributes.role;
  if (role !== undefined) traits |= BY_ROLE[role] ?? 0;
  if (isHidden(attributes)) traits |= Trait.hidden;
  const name = attributes.class;
  const id = attributes.id;
  // The body's classes describe the whole site ("has-sidebar"), not what is inside it.
  if (tag === "body" || tag === "html") return traits;
  if (name !== undefined) traits |= hints(name);
  if (id !== undefined) traits |= hints(id);
  return traits;
}

function isHidden(attributes: Attributes): boolean {
  if (attributes.hidden !== undefined || attributes["aria-hidden"] === "true") return true;
  const style = attributes.style;
  return style !== undefined && /display\s*:\s*none|visibility\s*:\s*hidden/i.test(style);
}

function hints(name: string): number {
  const known = hintsOf.get(name);
  if (known !== undefined) return known;
  const words = name
    .slice(0, 400)
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .toLowerCase();
  let traits = 0;
  if (WAYFINDING.test(words)) traits |= Trait.wayfinding;
  if (FURNITURE.test(words)) traits |= Trait.furniture;
  if (CONTENT.test(words)) traits |= Trait.content;
  if (COMMENTS.test(words)) traits |= Trait.comments;
  if (hintsOf.size >= HINTS_MAX) hintsOf.clear();
  hintsOf.set(name, traits);
  return traits;
}
