/**
 * The open elements from the outermost `svg` or `math` inwards: as much of the tree builder as a tokenizer needs. Inside, `title`,
 * `style` and `script` hold tags and `<![CDATA[` is text; in an integration point (`foreignObject`, `desc`, `title`, `mi` …) HTML's
 * rules are back. Differences to the tree builder, all rare: `font` always ends foreign content, `annotation-xml` is no integration
 * point, an end tag that matches nothing inside is taken to close an element around, and implied end tags are not seen.
 */
import { MATH_ID, SVG_ID, TAG_TRAITS, Trait } from "./tag-traits.ts";
import { tagId } from "./tokens.ts";

/** Elements kept; deeper ones are let go. Drawings are some 10 deep, and an end tag that matches nothing looks at all of them. */
export const FOREIGN_DEPTH_MAX = 128;

export const Realm = { html: 1, svg: 2, math: 3, svgIntegration: 4, mathIntegration: 5 } as const;

/** Tag id to the realm that its svg or math element is when it is an integration point; 0 for others. */
export const INTEGRATION: Uint8Array = new Uint8Array(256);
for (const name of ["foreignobject", "desc", "title"]) INTEGRATION[tagId(name)] = Realm.svgIntegration;
for (const name of ["mi", "mo", "mn", "ms", "mtext"]) INTEGRATION[tagId(name)] = Realm.mathIntegration;

const P_ID = tagId("p");
const BR_ID = tagId("br");
const MGLYPH_ID = tagId("mglyph");
const MALIGNMARK_ID = tagId("malignmark");

export class ForeignStack {
  depth = 0;
  private readonly names = new Int32Array(FOREIGN_DEPTH_MAX);
  private readonly realms = new Uint8Array(FOREIGN_DEPTH_MAX);

  /** Whether `<![CDATA[` is text here: the innermost element is no HTML one. */
  get isForeign(): boolean {
    return this.depth > 0 && this.top() !== Realm.html;
  }

  /** A start tag; call when `depth` is above 0 or the tag is svg or math. True: the element is foreign, so its content holds tags. */
  open(id: number, name: number, isSelfClosing: boolean): boolean {
    if (this.inForeign(id)) {
      if (((TAG_TRAITS[id] ?? 0) & Trait.breaksOut) === 0) {
        if (!isSelfClosing) this.push(name, this.realmOf(id));
        return true;
      }
      this.breakOut();
    }
    if (id === SVG_ID || id === MATH_ID) {
      if (!isSelfClosing) this.push(name, id === SVG_ID ? Realm.svg : Realm.math);
      return true;
    }
    if (this.depth > 0 && ((TAG_TRAITS[id] ?? 0) & Trait.isVoid) === 0) this.push(name, Realm.html);
    return false;
  }

  /** An end tag; call when `depth` is above 0. */
  close(id: number, name: number): void {
    if (this.top() !== Realm.html) {
      if (id === P_ID || id === BR_ID) this.breakOut();
      else if (this.closeForeign(name)) return;
    }
    this.closeHtml(id, name);
  }

  private top(): number {
    return this.realms[this.depth - 1] ?? 0;
  }

  private inForeign(id: number): boolean {
    const top = this.top();
    if (top === Realm.mathIntegration) return id === MGLYPH_ID || id === MALIGNMARK_ID;
    return top === Realm.svg || top === Realm.math;
  }

  private realmOf(id: number): number {
    const top = this.top();
    if (top === Realm.svg) return INTEGRATION[id] === Realm.svgIntegration ? Realm.svgIntegration : Realm.svg;
    return INTEGRATION[id] === Realm.mathIntegration ? Realm.mathIntegration : Realm.math;
  }

  private push(name: number, realm: number): void {
    if (this.depth === FOREIGN_DEPTH_MAX) return;
    this.names[this.depth] = name;
    this.realms[this.depth] = realm;
    this.depth++;
  }

  /** Leaves svg and math up to the next integration point or HTML element. */
  private breakOut(): void {
    while (this.depth > 0 && (this.top() === Realm.svg || this.top() === Realm.math)) this.depth--;
  }

  /** Whether a foreign element of that name was open above the next HTML element; it and all in it are closed then. */
  private closeForeign(name: number): boolean {
    for (let at = this.depth - 1; at >= 0 && this.realms[at] !== Realm.html; at--) {
      if (this.names[at] !== name) continue;
      this.depth = at;
      return true;
    }
    return false;
  }

  private closeHtml(id: number, name: number): void {
    for (let at = this.depth - 1; at >= 0; at--) {
      const realm = this.realms[at] ?? 0;
      if (realm === Realm.html && this.names[at] === name) {
        this.depth = at;
        return;
      }
      if (realm >= Realm.svgIntegration) return;
    }
    if (((TAG_TRAITS[id] ?? 0) & Trait.closesForeign) !== 0) this.depth = 0;
  }
}
