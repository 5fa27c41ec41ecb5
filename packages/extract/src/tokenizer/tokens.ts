/**
 * The tokens of an HTML page: four 32-bit numbers each, in one array, in page order. Offsets are UTF-16 code units into the page's
 * text, so a token is read by slicing it and a page in any charset is read alike once it is decoded.
 *
 * | word | holds                                                                      |
 * | ---- | -------------------------------------------------------------------------- |
 * | 0    | kind (bits 0–3), flags (bits 4–7), tag or attribute id (bits 8–23)           |
 * | 1    | start                                                                      |
 * | 2    | end, exclusive                                                             |
 * | 3    | open: how many attribute tokens follow; else 0                             |
 */
export const TOKEN_WORDS = 4;

export const TokenKind = {
  /** Character data as it stands in the page; character references are not decoded. Never empty. */
  text: 1,
  /** A start tag from `<` to after `>`; its known attributes follow as tokens of their own. */
  open: 2,
  /** A known attribute: start and end are its value's, without quotes. The first of a name counts; others are left out. */
  attribute: 3,
  /** An end tag from `<` to after `>`. */
  close: 4,
  /** The content of an element that holds no tags (script, style, title, textarea …), between its open and close tokens; id is its tag's. */
  raw: 5,
} as const;

export const TokenFlag = {
  /** The span holds `&`. On raw tokens set for title and textarea only: in the others it is no reference. */
  entity: 1 << 4,
  /** Text of nothing but white space (space, tab, LF, FF, CR). */
  blank: 1 << 5,
  /** A start tag that ends in `/>`. */
  selfClosing: 1 << 6,
} as const;

/** Tags by id − 1; id 0 is any other. Ids are stable: models and kernels hold them. */
export const TAGS = [
  ..."html head body title base link meta style script noscript template".split(" "),
  ..."div section article main aside nav header footer address hgroup search".split(" "),
  ..."h1 h2 h3 h4 h5 h6 p hr pre blockquote ol ul menu li dl dt dd figure figcaption center".split(" "),
  ..."table caption colgroup col thead tbody tfoot tr td th".split(" "),
  ..."a b i u s em strong small cite q dfn abbr code var samp kbd sub sup mark del ins span font tt big strike bdi bdo ruby rt rp time data br wbr".split(
    " ",
  ),
  ..."img picture source video audio track iframe embed object param svg math canvas map area".split(" "),
  ..."form fieldset legend label input button select option optgroup datalist textarea output progress meter".split(
    " ",
  ),
  ..."details summary dialog slot frame frameset noframes noembed xmp plaintext listing applet marquee nobr image".split(
    " ",
  ),
  ..."foreignobject desc mi mo mn ms mtext annotation-xml mglyph malignmark basefont bgsound keygen".split(" "),
] as const;

/** Attributes by id − 1; others make no token. */
export const ATTRIBUTES = [
  ..."class id role style hidden aria-hidden aria-label href src alt title rel type name property content".split(" "),
  ..."itemprop itemtype itemscope lang datetime charset http-equiv colspan rowspan start srcset data-src data-lang language".split(
    " ",
  ),
  ..."media value data-testid aria-modal open cite".split(" "),
] as const;

/** Lower-case name to id. */
export const TAG_IDS: ReadonlyMap<string, number> = new Map(TAGS.map((name, at) => [name, at + 1]));
export const ATTRIBUTE_IDS: ReadonlyMap<string, number> = new Map(ATTRIBUTES.map((name, at) => [name, at + 1]));

export type Tokens = {
  /** The page's UTF-16 units, at least as many as it has: loops read them faster than a string's (measured: 4 % of a page's time). */
  readonly units: Uint16Array;
  /** At least `count` × `TOKEN_WORDS` numbers; may be a view of memory that the next page overwrites. */
  readonly words: Int32Array;
  readonly count: number;
};

/** Turns a decoded page into tokens; every implementation gives the same numbers. */
export type Tokenize = (html: string) => Tokens;

export function tagId(name: string): number {
  return TAG_IDS.get(name) ?? 0;
}

export function attributeId(name: string): number {
  return ATTRIBUTE_IDS.get(name) ?? 0;
}
