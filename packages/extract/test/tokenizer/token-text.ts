/** Tokens written out as lines, ours and parse5's alike, so that two streams are compared with one look. */
import assert from "node:assert/strict";
import { type DefaultTreeAdapterMap, Parser, parseFragment, type Token } from "parse5";
import {
  ATTRIBUTE_IDS,
  ATTRIBUTES,
  attributeId,
  TOKEN_WORDS,
  TokenFlag,
  TokenKind,
  type Tokens,
  tagId,
} from "../../src/tokenizer/tokens.ts";

/** What an HTML parser makes of line ends before it reads. */
function withLineFeeds(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

/** References decoded as in text. NUL stays: what becomes of it is decided elsewhere. */
function decodeReferences(text: string): string {
  const parts = text.split("\0").map((part) => {
    const [title] = parseFragment(`<title>${part.replaceAll("<", "&lt;")}</title>`).childNodes;
    assert.ok(title && "childNodes" in title);
    return title.childNodes.map((node) => ("value" in node ? node.value : "")).join("");
  });
  return parts.join("\0");
}

/** References decoded as in an attribute's value, where `&amp=` is none. */
function decodeValue(value: string): string {
  const [element] = parseFragment(`<p title="${value.replaceAll('"', "&quot;")}">`).childNodes;
  assert.ok(element && "attrs" in element);
  return element.attrs[0]?.value ?? "";
}

/** Lines of one stream; text that only comments or dropped tags part is one line, as the tree has it. */
class Lines {
  readonly lines: string[] = [];
  private pending = "";

  text(text: string): void {
    this.pending += text;
  }

  tag(line: string): void {
    this.end();
    this.lines.push(line);
  }

  end(): string[] {
    if (this.pending !== "") this.lines.push(`text ${JSON.stringify(this.pending)}`);
    this.pending = "";
    return this.lines;
  }
}

/** Our tokens as lines; asserts what the contract promises of each (tokens.ts). */
export function linesOfTokens(html: string, { words, count }: Tokens): string[] {
  const lines = new Lines();
  let last = 0;
  const read = (at: number) => {
    const [word = 0, start = 0, end = 0, more = 0] = words.subarray(at * TOKEN_WORDS, (at + 1) * TOKEN_WORDS);
    const span = html.slice(start, end);
    const text = withLineFeeds(span);
    if ((word & TokenFlag.entity) !== 0) assert.ok(span.includes("&"), `flagged without reference: ${span}`);
    return { kind: word & 15, flags: word & 0xf0, id: word >> 8, start, end, more, span, text };
  };
  for (let at = 0; at < count; at++) {
    const token = read(at);
    const { kind, flags, id, start, end, span } = token;
    assert.ok(start >= last && end <= html.length && end > start, `token ${at} spans ${start}–${end} after ${last}`);
    last = end;
    if (kind === TokenKind.text || kind === TokenKind.raw) {
      assert.equal((flags & TokenFlag.blank) !== 0, kind === TokenKind.text && /^[ \t\n\f\r]+$/.test(span));
      const text = (flags & TokenFlag.entity) === 0 ? token.text : decodeReferences(token.text);
      lines.text(kind === TokenKind.raw ? text.replaceAll("\0", "\ufffd") : text);
      continue;
    }
    const name = /^<\/?([^ \t\n\f\r/>]+)/.exec(span)?.[1] ?? "";
    assert.equal(id, tagId(asciiLower(name)), `id of ${span}`);
    const shown = `${asciiLower(name).replaceAll("\0", "\ufffd")} ${start}–${end}`;
    if (kind === TokenKind.close) {
      lines.tag(`close ${shown}`);
      continue;
    }
    assert.equal(kind, TokenKind.open);
    const attributes: string[] = [];
    for (let offset = 1; offset <= token.more; offset++) {
      const value = read(at + offset);
      assert.equal(value.kind, TokenKind.attribute);
      assert.ok(value.start > start && value.end <= end, "a value lies within its tag");
      const text = (value.flags & TokenFlag.entity) === 0 ? value.text : decodeValue(value.text);
      attributes.push(attributeLine(ATTRIBUTES[value.id - 1] ?? "?", text.replaceAll("\0", "\ufffd")));
    }
    at += token.more;
    lines.tag(["open", shown, flags & TokenFlag.selfClosing ? "/" : "", ...attributes].join(" "));
  }
  return lines.end();
}

function asciiLower(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function attributeLine(name: string, value: string): string {
  assert.ok(attributeId(name) > 0);
  return `${name}=${JSON.stringify(value)}`;
}

/** parse5's parser with its tokens written down as its tree builder gets them, which sets the tokenizer's states. */
class TokenRecorder extends Parser<DefaultTreeAdapterMap> {
  private readonly seen = new WeakSet<object>();
  private readonly recorded = new Lines();

  static record(html: string): string[] {
    const parser = new TokenRecorder({ scriptingEnabled: false, sourceCodeLocationInfo: true });
    parser.tokenizer.write(html, true);
    return parser.recorded.end();
  }

  override onCharacter(token: Token.CharacterToken): void {
    this.recordText(token);
    super.onCharacter(token);
  }

  override onNullCharacter(token: Token.CharacterToken): void {
    this.recordText(token);
    super.onNullCharacter(token);
  }

  override onWhitespaceCharacter(token: Token.CharacterToken): void {
    this.recordText(token);
    super.onWhitespaceCharacter(token);
  }

  override onStartTag(token: Token.TagToken): void {
    if (this.isNew(token)) {
      const attributes = token.attrs.filter(({ name }) => ATTRIBUTE_IDS.has(name));
      const shown = attributes.map(({ name, value }) => attributeLine(name, value));
      this.recorded.tag(["open", nameOf(token), token.selfClosing ? "/" : "", ...shown].join(" "));
    }
    super.onStartTag(token);
  }

  override onEndTag(token: Token.TagToken): void {
    if (this.isNew(token)) this.recorded.tag(`close ${nameOf(token)}`);
    super.onEndTag(token);
  }

  /** The tree builder hands a token to itself again when it changes its mode. */
  private isNew(token: object): boolean {
    if (this.seen.has(token)) return false;
    this.seen.add(token);
    return true;
  }

  private recordText(token: Token.CharacterToken): void {
    if (this.isNew(token)) this.recorded.text(token.chars);
  }
}

function nameOf({ tagName, location }: Token.TagToken): string {
  return `${tagName} ${location?.startOffset}–${location?.endOffset}`;
}

/** The page's tokens as parse5 reads them, as lines. */
export function linesOfParse5(html: string): string[] {
  return TokenRecorder.record(html);
}

/** A copy of the words, which the next page overwrites. */
export function wordsOf({ words, count }: Tokens): Int32Array {
  return words.slice(0, count * TOKEN_WORDS);
}

/** Whether two readings are word for word the same. */
export function isSame(one: Int32Array, other: Int32Array): boolean {
  return one.length === other.length && one.every((word, at) => word === other[at]);
}
