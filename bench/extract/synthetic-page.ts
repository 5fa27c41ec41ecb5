/**
 * Pages of any size that are made like real ones: head with metadata, navigation, an article with headings, lists, a table, code and
 * pictures, related teasers, comments, footer, styles and scripts. In a sample of real pages (97 of WCXB, 385 KB each) scripts are 44 %
 * of the characters, styles 7 %, drawings 5 %, text 5 %, and 108 characters of markup go with each tag.
 */
import { checkInteger, createRng, type Rng, randomBelow } from "@millrace/core";
import { SYNTHETIC_BYTES_MAX, SYNTHETIC_BYTES_MIN } from "./limits.ts";
import { SYNTHETIC_WORDS } from "./synthetic-words.ts";

/** `site`: in the proportions above. `prose`: no scripts, styles and drawings, mostly article; the dearest kind for its size. */
export type SyntheticKind = "site" | "prose";

export type SyntheticOptions = {
  /** Of the page in UTF-8, 1,000 … 10,000,000; met exactly. */
  readonly bytes: number;
  readonly kind?: SyntheticKind;
  readonly seed?: number;
};

export type SyntheticPage = {
  readonly html: string;
  /** The article's text: paragraphs and headings, one to a line. */
  readonly mainText: string;
};

type Part = "style" | "drawings" | "nav" | "related" | "comments" | "footer" | "scripts";
type Parts = Readonly<Record<Part | "article", string>>;

/** Shares of the page; what is left is the article. */
const SHARES: Readonly<Record<SyntheticKind, Readonly<Record<Part, number>>>> = {
  site: {
    style: 0.07,
    drawings: 0.05,
    nav: 0.08,
    related: 0.1,
    comments: 0.05,
    footer: 0.05,
    scripts: 0.44,
  },
  prose: {
    style: 0,
    drawings: 0,
    nav: 0.06,
    related: 0.08,
    comments: 0.06,
    footer: 0.06,
    scripts: 0,
  },
};

/** The same options give the same page. `invalid_argument` for a size outside its limits. */
export function synthesizePage({ bytes, kind = "site", seed = 1 }: SyntheticOptions): SyntheticPage {
  checkInteger("bytes", bytes, { min: SYNTHETIC_BYTES_MIN, max: SYNTHETIC_BYTES_MAX });
  const writer = new PageWriter(createRng(seed));
  const share = (part: Part) => Math.floor((bytes - SKELETON_CHARS) * SHARES[kind][part]);
  const title = writer.sentence(6);
  const others: Omit<Parts, "article"> = {
    style: fill(share("style"), () => writer.rule()),
    drawings: fill(share("drawings"), () => writer.drawing()),
    nav: fill(share("nav"), () => writer.navLink()),
    related: fill(share("related"), () => writer.teaser()),
    comments: fill(share("comments"), () => writer.comment()),
    footer: fill(share("footer"), () => writer.footerLink()),
    scripts: fill(share("scripts"), () => writer.script()),
  };
  const left = bytes - frame(title, { ...others, article: "" }).length;
  const article = fill(left, () => writer.articleUnit());
  // The last unit was one too many.
  const mainText = [title, ...writer.mainText.slice(0, -1)].join("\n");
  return { html: padded(frame(title, { ...others, article }), bytes), mainText };
}

/** The page without its parts, about. All characters are ASCII, so that a character is a byte. */
const SKELETON_CHARS = 560;

function frame(title: string, parts: Parts): string {
  const style = parts.style === "" ? "" : `<style>${parts.style}</style>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${title} | The Mill</title>
<meta property="og:title" content="${title}"><link rel="canonical" href="https://mill.example/a/1">
${style}</head><body class="page page--article">
<header class="site-header">${parts.drawings}<nav class="site-nav"><ul>${parts.nav}</ul></nav></header>
<main id="main"><article class="post"><h1>${title}</h1>
${parts.article}</article>
<aside class="related">${parts.related}</aside><section id="comments">${parts.comments}</section></main>
<footer class="site-footer"><ul>${parts.footer}</ul></footer>
${parts.scripts}</body></html>`;
}

/** Units until the next would pass the budget. */
function fill(chars: number, unit: () => string): string {
  let out = "";
  for (;;) {
    const next = unit();
    if (out.length + next.length > chars) return out;
    out += next;
  }
}

/** A comment before the end of the body, as long as what is missing. */
function padded(html: string, bytes: number): string {
  const missing = bytes - html.length;
  const at = html.lastIndexOf("</body>");
  if (missing < "<!---->".length) return missing > 0 ? html + "\n".repeat(missing) : html;
  return `${html.slice(0, at)}<!--${".".repeat(missing - "<!---->".length)}-->${html.slice(at)}`;
}

class PageWriter {
  /** One entry for each unit of the article. */
  readonly mainText: string[] = [];
  readonly #rng: Rng;
  #units = 0;

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  sentence(words = 6 + this.#below(16)): string {
    const text = Array.from({ length: words }, () => this.#word()).join(" ");
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  }

  rule(): string {
    return `.${this.#word()}-${this.#below(1_000)}>.${this.#word()}{margin:0 ${this.#below(64)}px;color:#${this.#hex(6)};display:flex}\n`;
  }

  drawing(): string {
    const path = Array.from({ length: 12 }, () => `L${this.#below(24)} ${this.#below(24)}`).join("");
    return `<svg class="icon icon-${this.#word()}" viewBox="0 0 24 24" aria-hidden="true"><path d="M0 0${path}z"/></svg>`;
  }

  navLink(): string {
    const word = this.#word();
    return `<li class="menu-item menu-item-${this.#below(9_000)}"><a class="menu-link" href="/${word}/${this.#word()}">${word} ${this.#word()}</a></li>\n`;
  }

  footerLink(): string {
    return `<li><a rel="nofollow" class="footer__link" href="https://mill.example/${this.#word()}">${this.#word()}</a></li>\n`;
  }

  teaser(): string {
    const id = this.#below(90_000);
    return `<div class="card card--${id}" data-id="${id}"><a class="card__link" href="/a/${id}"><img class="card__image" src="/i/${this.#hex(12)}.jpg" alt="" width="320" height="180" loading="lazy"><h3 class="card__title">${this.sentence(7)}</h3></a><p class="card__meta">${this.#word()} &middot; ${1 + this.#below(12)} min read</p></div>\n`;
  }

  comment(): string {
    return `<div class="comment" id="c${this.#below(90_000)}"><cite class="author">${this.#word()}${this.#below(99)}</cite><time datetime="2026-03-${10 + this.#below(19)}">${this.#below(24)} hours ago</time><div class="comment-body"><p>${this.sentence()}.</p></div><a class="reply" href="#r">Reply</a></div>\n`;
  }

  script(): string {
    const entries = Array.from(
      { length: 8 },
      () => `"${this.#word()}":{"id":${this.#below(99_999)},"v":"${this.#hex(24)}"}`,
    );
    return `<script>(function(w,d){if(w.q<1&&d.a>${this.#below(99)}){w.push({${entries.join(",")}})}})(window,document);</script>\n`;
  }

  /** Mostly paragraphs; every eighth unit something else. */
  articleUnit(): string {
    const at = this.#units++;
    if (at % 8 === 7) return this.#heading();
    if (at % 24 === 4) return this.#list();
    if (at % 48 === 12) return this.#table();
    if (at % 48 === 36) return this.#code();
    if (at % 24 === 16) return this.#figure();
    return this.#paragraph();
  }

  #heading(): string {
    const text = this.sentence(5);
    this.mainText.push(text);
    return `<h2 id="h${this.#below(999)}">${text}</h2>\n`;
  }

  #paragraph(): string {
    const before = this.sentence();
    const [linked, after] = [this.#word(), this.sentence()];
    this.mainText.push(`${before} ${linked}. ${after} & more.`);
    return `<p>${before} <a href="/t/${linked}">${linked}</a>. ${after} &amp; <em>more</em>.</p>\n`;
  }

  #list(): string {
    const items = Array.from({ length: 4 }, () => this.sentence(9));
    this.mainText.push(items.join("\n"));
    return `<ul>${items.map((item) => `<li>${item}</li>`).join("")}</ul>\n`;
  }

  #code(): string {
    const text = `const ${this.#word()} = ${this.#below(99)};`;
    this.mainText.push(text);
    return `<pre><code class="language-js">${text}\n</code></pre>\n`;
  }

  #figure(): string {
    const caption = `${this.sentence(8)}.`;
    this.mainText.push(caption);
    return `<figure><img src="/i/${this.#hex(12)}.jpg" alt="${this.sentence(4)}"><figcaption>${caption}</figcaption></figure>\n`;
  }

  #table(): string {
    const rows = Array.from({ length: 3 }, () => [this.#word(), String(this.#below(500))]);
    this.mainText.push([["Name", "Value"], ...rows].map((row) => row.join(" ")).join("\n"));
    const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`).join("");
    return `<table><thead><tr><th>Name</th><th>Value</th></tr></thead><tbody>${body}</tbody></table>\n`;
  }

  /** Frequent words come first in the list and are drawn more often. */
  #word(): string {
    const rank = Math.floor(SYNTHETIC_WORDS.length * this.#rng() ** 2);
    return SYNTHETIC_WORDS[rank] ?? "mill";
  }

  #hex(digits: number): string {
    return Array.from({ length: digits }, () => this.#below(16).toString(16)).join("");
  }

  #below(below: number): number {
    return randomBelow(this.#rng, below);
  }
}
