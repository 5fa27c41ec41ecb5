/** What each tag means to the reader of a page, by tag id: one byte of bits a tag, so that a token costs one lookup. */
import { TAGS, tagId } from "../tokenizer/tokens.ts";

export const TagBit = {
  /** Starts a box of its own: ends the text before it. */
  block: 1,
  /** Its start tag ends an open paragraph (HTML, "close a p element"). */
  closesParagraph: 2,
  /** End tags inside do not reach out of it (HTML, "has an element in scope"). */
  scope: 4,
  /** Holds nothing. */
  empty: 8,
  heading: 16,
  /** Holds words a reader presses, not reads. */
  control: 32,
  /** Text inside is drawn bold. */
  bold: 64,
} as const;

const INLINE =
  "a b i u s em strong small cite q dfn abbr code var samp kbd sub sup mark del ins span font tt big strike bdi bdo ruby rb rt rp time data br wbr img picture source video audio track embed object param svg math canvas map area label input progress meter output nobr image slot html body head title base link meta style script iframe noembed noframes frame col colgroup desc foreignobject mi mo mn ms mtext annotation-xml mglyph malignmark basefont bgsound";
const CLOSES_PARAGRAPH =
  "address article aside blockquote center details dialog div dl fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr main menu nav ol p pre search section summary table ul li dd dt";

function bitsOf(): Uint8Array {
  const bits = new Uint8Array(TAGS.length + 1);
  for (let id = 1; id < bits.length; id++) bits[id] = TagBit.block;
  const all = (names: string, change: (old: number) => number) => {
    for (const name of names.split(" ")) bits[tagId(name)] = change(bits[tagId(name)] ?? 0);
  };
  all(INLINE, () => 0);
  all(CLOSES_PARAGRAPH, (old) => old | TagBit.closesParagraph);
  all("table td th caption marquee object template", (old) => old | TagBit.scope);
  all("br hr img input link meta base col source track wbr embed param area frame image", (old) => old | TagBit.empty);
  all("h1 h2 h3 h4 h5 h6", (old) => old | TagBit.heading);
  all("button select option optgroup datalist legend", (old) => old | TagBit.control);
  all("b strong th", (old) => old | TagBit.bold);
  bits[0] = 0;
  return bits;
}

/** `TagBit` bits by tag id; id 0 (unknown tags) is inline, custom elements are decided by their name. */
export const TAG_BITS: Uint8Array = bitsOf();
