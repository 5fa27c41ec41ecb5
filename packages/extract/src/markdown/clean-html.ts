/**
 * Clean HTML of a document, made from its Markdown: what it may hold is what Markdown can say, so no script, style, event handler
 * or foreign scheme has a way in. Of raw tags only those pass that assembly writes itself.
 */
import { Marked, Tokenizer, type Tokens } from "marked";

const PASSED = /^<\/?(?:sub|sup|kbd)>$|^<br>$/;
const SAFE_ADDRESS = /^(?:https?:|mailto:)/i;

/**
 * How much of what follows is looked at for a link, one after the other: the parser's pattern runs over all of it, so a line of links
 * without spaces between them would cost the square of its length.
 */
const LINK_CHARS = [1_000, 32_000];

/** A link is whole in what is looked at or not found there: its address has its parentheses in pairs, as assembly writes it. */
function linkNearby(this: Tokenizer, source: string): Tokens.Link | Tokens.Image | undefined {
  for (const chars of LINK_CHARS) {
    const found = chars < source.length ? Tokenizer.prototype.link.call(this, source.slice(0, chars)) : undefined;
    if (found) return found;
  }
  return Tokenizer.prototype.link.call(this, source);
}

const marked = new Marked({
  gfm: true,
  async: false,
  tokenizer: { link: linkNearby },
  renderer: {
    html({ text }: Tokens.HTML | Tokens.Tag): string {
      return PASSED.test(text) ? text : escapeHtml(text);
    },
    link({ href, tokens }: Tokens.Link): string {
      const label = this.parser.parseInline(tokens);
      return SAFE_ADDRESS.test(href) ? `<a href="${escapeHtml(href)}">${label}</a>` : label;
    },
    image({ href, text }: Tokens.Image): string {
      return SAFE_ADDRESS.test(href) ? `<img src="${escapeHtml(href)}" alt="${escapeHtml(text)}">` : escapeHtml(text);
    },
    checkbox(): string {
      return "";
    },
  },
});

/** HTML of assembled Markdown: headings, paragraphs, lists, tables, quotes, code, links and images, and nothing else. */
export function cleanHtml(markdown: string): string {
  return marked.parse(markdown, { async: false }).trim();
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
