/** One pass over the tags of an HTML page, leaving text blocks and the containers they stand in. Nothing is thrown away but code. */
import { Parser } from "htmlparser2";
import { type Block, type BlockKind, type Container, type Page, type PageMeta, Trait } from "./blocks.ts";
import type { Link } from "./document.ts";
import { type Attributes, traitsOf } from "./element-traits.ts";
import { BREAKERS, CONTAINERS, HEADING_LEVELS, SKIPPED } from "./html-tags.ts";
import { BLOCKS_MAX, DEPTH_MAX } from "./limits.ts";
import { RowMerger } from "./table-rows.ts";

/** Reads a whole page. Malformed markup is read as browsers mostly do; it never throws for it. */
export function readBlocks(html: string): Page {
  const collector = new BlockCollector();
  const parser = new Parser(
    {
      onopentag: (tag, attributes) => collector.open(tag, attributes),
      ontext: (text) => collector.text(text),
      onclosetag: (tag) => collector.close(tag),
    },
    { decodeEntities: true, lowerCaseTags: true, lowerCaseAttributeNames: true },
  );
  // In HTML a CDATA mark is a comment up to its first ">" (HTML standard, 13.2.5.42); the parser would swallow the page instead.
  parser.end(html.includes("<![CDATA[") ? html.replaceAll("<![CDATA[", "") : html);
  return collector.finish();
}

class BlockCollector {
  readonly #blocks: Block[] = [];
  readonly #containers: Container[] = [{ tag: "#root", parent: -1, own: 0, traits: 0 }];
  readonly #meta: PageMeta = { title: "", language: "", base: "", tags: new Map(), byline: "" };
  readonly #rows = new RowMerger();
  #container = 0;
  #depth = 0;
  /** Depth of elements inside one whose content is skipped. */
  #skipDepth = 0;
  #preDepth = 0;
  #headingLevel = 0;
  #listDepth = 0;
  /** The next block opens a list item. */
  #isItemStart = false;
  #inTitle = false;
  #inByline = 0;
  #buffer = "";
  #linkUrl = "";
  #linkStart = -1;
  #linkChars = 0;
  #links: Link[] = [];

  open(tag: string, attributes: Attributes): void {
    this.#depth++;
    if (this.#skipDepth > 0) {
      this.#skipDepth++;
      return;
    }
    if (SKIPPED.has(tag) && !(tag === "button" && this.#headingLevel > 0)) {
      this.#skipDepth = 1;
      return;
    }
    const isContainer = CONTAINERS.has(tag) || tag.includes("-");
    const isInline = !isContainer && !BREAKERS.has(tag);
    if (isInline && isInvisible(tag, attributes)) {
      this.#skipDepth = 1;
      return;
    }
    if (tag === "br") this.#breakLine();
    else if (tag === "a") this.#openLink(attributes);
    else if (tag === "meta" || tag === "base" || tag === "html" || tag === "title") this.#readMeta(tag, attributes);
    if (isBylineOf(attributes)) this.#inByline = this.#depth;
    if (isInline) return;
    this.#flush();
    this.#openBlock(tag);
    if (this.#depth < DEPTH_MAX) this.#push(tag, attributes);
  }

  close(tag: string): void {
    this.#depth--;
    if (this.#skipDepth > 0) {
      this.#skipDepth--;
      return;
    }
    if (this.#inByline > this.#depth) this.#inByline = 0;
    if (tag === "a") this.#closeLink();
    else if (tag === "title") this.#inTitle = false;
    const isContainer = CONTAINERS.has(tag) || tag.includes("-");
    if (!isContainer && !BREAKERS.has(tag)) return;
    this.#flush();
    this.#closeBlock(tag);
    if (this.#depth + 1 < DEPTH_MAX) this.#pop(tag);
  }

  text(text: string): void {
    if (this.#inTitle) {
      if (this.#skipDepth === 0 && this.#meta.title.length < 1_000) this.#meta.title += text;
      return;
    }
    if (this.#skipDepth > 0) return;
    if (this.#inByline > 0 && this.#meta.byline.length < 100) this.#meta.byline += text;
    if (this.#preDepth > 0) {
      this.#buffer += text;
      return;
    }
    const collapsed = text.replace(/[\s\u00a0]+/g, " ");
    const last = this.#buffer.charCodeAt(this.#buffer.length - 1);
    const endsBlank = this.#buffer === "" || last === 32 || last === 10;
    this.#buffer += endsBlank && collapsed.startsWith(" ") ? collapsed.slice(1) : collapsed;
  }

  finish(): Page {
    this.#flush();
    this.#meta.title = this.#meta.title.replace(/\s+/g, " ").trim();
    this.#meta.byline = this.#meta.byline.replace(/\s+/g, " ").trim();
    return { blocks: this.#blocks, containers: this.#containers, meta: this.#meta };
  }

  #push(tag: string, attributes: Attributes): void {
    const own = traitsOf(tag, attributes);
    const traits = own | (this.#containers[this.#container]?.traits ?? 0);
    this.#containers.push({ tag, parent: this.#container, own, traits });
    this.#container = this.#containers.length - 1;
  }

  /** The parser closes tags in order and implies what is missing, so the innermost open container is the one that ends. */
  #pop(tag: string): void {
    const current = this.#containers[this.#container];
    if (current && current.tag === tag && current.parent >= 0) this.#container = current.parent;
  }

  #openBlock(tag: string): void {
    if (tag === "pre" || tag === "listing" || tag === "xmp" || tag === "plaintext") this.#preDepth++;
    else if (tag === "ul" || tag === "ol" || tag === "menu") this.#listDepth++;
    else if (tag === "li") this.#isItemStart = true;
    else if (tag === "tr") this.#rows.openRow(this.#blocks.length);
    else if (tag === "td" || tag === "th") this.#rows.openCell(this.#blocks.length);
    else this.#headingLevel = HEADING_LEVELS[tag] ?? this.#headingLevel;
  }

  #closeBlock(tag: string): void {
    if (tag === "pre" || tag === "listing" || tag === "xmp" || tag === "plaintext")
      this.#preDepth = Math.max(0, this.#preDepth - 1);
    else if (tag === "ul" || tag === "ol" || tag === "menu") this.#listDepth = Math.max(0, this.#listDepth - 1);
    else if (tag === "li") this.#isItemStart = false;
    else if (tag === "tr") this.#rows.closeRow(this.#blocks);
    else if (HEADING_LEVELS[tag] !== undefined) this.#headingLevel = 0;
  }

  #breakLine(): void {
    if (this.#preDepth > 0) this.#buffer += "\n";
    else if (this.#buffer.endsWith("\n")) this.#flush();
    else if (this.#buffer !== "") this.#buffer = `${this.#buffer.trimEnd()}\n`;
  }

  #openLink(attributes: Attributes): void {
    this.#closeLink();
    this.#linkUrl = attributes.href ?? "";
    if (this.#linkUrl !== "") this.#linkStart = this.#buffer.length;
  }

  #closeLink(): void {
    this.#endLinkText();
    this.#linkStart = -1;
    this.#linkUrl = "";
  }

  #endLinkText(): void {
    if (this.#linkStart < 0) return;
    const text = this.#buffer.slice(this.#linkStart).replace(/\s+/g, " ").trim();
    this.#linkChars += text.length;
    if (text !== "") this.#links.push({ url: this.#linkUrl, text });
  }

  #flush(): void {
    this.#endLinkText();
    if (this.#linkStart >= 0) this.#linkStart = 0;
    const isCode = this.#preDepth > 0;
    const text = isCode ? trimCode(this.#buffer) : this.#buffer.trim();
    if (text !== "" && this.#blocks.length < BLOCKS_MAX) this.#add(isCode ? "code" : this.#kind(), text);
    this.#buffer = "";
    this.#links = [];
    this.#linkChars = 0;
  }

  #kind(): BlockKind {
    if (this.#headingLevel > 0) return "heading";
    return this.#isItemStart ? "item" : "paragraph";
  }

  #add(kind: BlockKind, text: string): void {
    const level = kind === "heading" ? this.#headingLevel : kind === "item" ? Math.max(1, this.#listDepth) : 0;
    const { length } = text;
    const block = {
      kind,
      level,
      text,
      links: this.#links,
      linkChars: Math.min(length, this.#linkChars),
      container: this.#container,
    };
    this.#blocks.push(block);
    this.#isItemStart = false;
  }

  #readMeta(tag: string, attributes: Attributes): void {
    if (tag === "title") this.#inTitle = this.#meta.title === "";
    else if (tag === "html") this.#meta.language ||= attributes.lang ?? attributes["xml:lang"] ?? "";
    else if (tag === "base") this.#meta.base ||= attributes.href ?? "";
    else {
      const name = (attributes.property ?? attributes.name ?? attributes["http-equiv"] ?? "").toLowerCase();
      const content = attributes.content?.trim();
      if (name && content && !this.#meta.tags.has(name) && this.#meta.tags.size < 200)
        this.#meta.tags.set(name, content.slice(0, 2_000));
    }
  }
}

/** An inline element for other eyes: an icon's ligature, a permalink mark, a screen reader's "opens in a new window". */
function isInvisible(tag: string, attributes: Attributes): boolean {
  if (attributes.class === undefined && attributes.hidden === undefined && attributes["aria-hidden"] === undefined)
    return false;
  return (traitsOf(tag, attributes) & (Trait.hidden | Trait.wayfinding)) !== 0;
}

function isBylineOf(attributes: Attributes): boolean {
  return attributes.rel === "author" || attributes.itemprop === "author" || attributes.class === "byline";
}

/** Drops empty first and last lines and trailing blanks; indentation stays. */
function trimCode(text: string): string {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(/[ \t]+$/gm, "")
    .replace(/^\n+|\n+$/g, "");
}
