/** What a tokenizer must know of tags, as bits by id; the kernel is given the same bytes. */
import { TAGS, tagId } from "./tokens.ts";

export const Trait = {
  /** Its content holds no tags (RAWTEXT); ends at its own end tag. */
  rawText: 1,
  /** The same, but character references count (RCDATA). */
  rawReferences: 2,
  /** `script`: raw, with the escaped states of `<!-- <script>`. */
  script: 4,
  /** `plaintext`: raw to the end of the page. */
  endless: 8,
  /** A start tag of this name ends svg or math content (WHATWG 13.2.6.5); `font` always, though there it hangs on attributes. */
  breaksOut: 16,
  /** Has no end tag. */
  isVoid: 32,
  /** An end tag of this name belongs to an element around the svg or math when nothing inside matches. */
  closesForeign: 64,
} as const;

export const SVG_ID: number = tagId("svg");
export const MATH_ID: number = tagId("math");

const MEMBERS: Readonly<Record<keyof typeof Trait, string>> = {
  rawText: "style xmp iframe noembed noframes",
  rawReferences: "title textarea",
  script: "script",
  endless: "plaintext",
  breaksOut:
    "b big blockquote body br center code dd div dl dt em embed font h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var",
  isVoid: "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr",
  closesForeign: TAGS.filter((name) => !isForeignName(name)).join(" "),
};

function isForeignName(name: string): boolean {
  const foreign =
    "svg math title style script image foreignobject desc mi mo mn ms mtext annotation-xml mglyph malignmark";
  return foreign.split(" ").includes(name);
}

function traits(): Uint8Array {
  const bits = new Uint8Array(256);
  for (const [trait, names] of Object.entries(MEMBERS)) {
    for (const name of names.split(" ")) {
      const id = tagId(name);
      bits[id] = (bits[id] ?? 0) | Trait[trait as keyof typeof Trait];
    }
  }
  return bits;
}

/** Bits of `Trait` by tag id. */
export const TAG_TRAITS: Uint8Array = traits();
