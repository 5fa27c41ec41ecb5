/** Random HTML of nasty pieces, for properties that compare tokenizers. */
import fc from "fast-check";

/** No `select`, `frameset`, `col` or foreign names: there the tree builder drops start tags, and with them a change of state. */
const NAMES = [
  ..."div p a b table tr td th pre li ul h1 span form button nobr template br img image input body html head".split(
    " ",
  ),
  ..."title textarea style script xmp iframe noembed noframes noscript DIV Title TEXTAREA sCript STYLE".split(" "),
  ..."x-y scripty titles s styl scrip\0t di\u00efv h1\v K\u212a".split(" "),
];
const ATTRIBUTE_NAMES = [
  ..."class CLASS id role href alt title aria-hidden aria-label data-lang HTTP-EQUIV data-x on x\u0130 cla\0ss classs clas".split(
    " ",
  ),
  "=",
  '"',
  "<",
  "'a",
];
const TEXTS = [
  "a",
  " ",
  "\n",
  "\r\n",
  "\t\f",
  "\0",
  "\v",
  "&amp;",
  "&",
  "&#x41;",
  "&notit;",
  "&#0;",
  "&#13;\n",
  "&amp",
  "é",
  "漢字",
  "\u{1f600}",
  "\ud800",
  "\udc00<",
  "<",
  "< ",
  "<3",
  "</",
  "</ >",
  "</>",
  "<<",
  ">",
  "-->",
  "]]>",
  "\ufeff",
];
const COMMENTS = [
  "<!---->",
  "<!-->",
  "<!--->",
  "<!-- a -->",
  "<!-- a --!>",
  "<!--!>",
  "<!-- <!-- --!> -->",
  "<!--a--b->c-->",
  "<!--",
  "<!",
  "<!>",
  "<!doctype html>",
  "<!DOCTYPE a 'x>y'>",
  "<?xml version='1'?>",
  "<?",
  "</ bogus>",
  "<![CDATA[ a ]]>",
  "<!-x->",
  "-->",
  "--!>",
];
const SCRIPTS = [
  "<script>a<b</script>",
  "<script><!--</script>",
  "<script><!-- <script> </script> --></script>",
  "<script><!-- <script></script ></script>",
  "<script><!--><script></script>",
  "<script><!--<script/",
  "<!---->",
  "</script",
  "</script >",
  "</SCRIPT/>",
  "<script",
  "<!--<script>",
  "-->",
  "<script>'</scripty></scrip></script\f>",
];
const RAWS = [
  "<title>a&lt;b</title>",
  "<textarea>\n<p>&amp;</textarea",
  "<textarea>",
  "</textarea>",
  "</title/ x=y>",
  "</title x='>'>",
  "<style><!-- </style> -->",
  "</style\n>",
  "<xmp><b>&amp;</xmp>",
  "</xmp>",
  "<iframe></iframe",
  "</iframe>",
  "<noembed>",
  "</noembed>",
  "</noframes>",
  "<plaintext>",
];

const text = fc.constantFrom(...TEXTS);
const value = fc.oneof(
  fc.constantFrom("a", "", "a&amp;b", "&amp=", "&lt", "x/y", ">", "<p>", "\0", "\r", "a b", "'", '"', "\u{1f600}"),
  fc.nat({ max: 400 }).map((length) => "long &".repeat(length)),
);
const attribute = fc
  .record({
    before: fc.constantFrom(" ", "  ", "/", "", "\n", "\t/ ", " / "),
    name: fc.constantFrom(...ATTRIBUTE_NAMES),
    equals: fc.constantFrom("=", " = ", "=\n", "", " ", "=="),
    quote: fc.constantFrom('"', "'", "", "", '"'),
    value,
    end: fc.constantFrom("", "", "", "'", '"'),
  })
  .map(
    ({ before, name, equals, quote, value: shown, end }) => `${before}${name}${equals}${quote}${shown}${quote}${end}`,
  );
const tag = fc
  .record({
    start: fc.constantFrom("<", "<", "</"),
    name: fc.constantFrom(...NAMES),
    attributes: fc.array(attribute, { maxLength: 4 }),
    end: fc.constantFrom(">", ">", ">", "/>", " >", "/", "", "\n/ >"),
  })
  .map(({ start, name, attributes, end }) => `${start}${name}${attributes.join("")}${end}`);
const piece = fc.oneof(
  { weight: 4, arbitrary: tag },
  { weight: 4, arbitrary: text },
  { weight: 2, arbitrary: fc.constantFrom(...COMMENTS) },
  { weight: 2, arbitrary: fc.constantFrom(...SCRIPTS) },
  { weight: 1, arbitrary: fc.constantFrom(...RAWS) },
);

function cut(pieces: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .record({ html: pieces, kept: fc.double({ min: 0, max: 1, noNaN: true }), isCut: fc.boolean() })
    .map(({ html, kept, isCut }) => (isCut ? html.slice(0, Math.floor(kept * html.length)) : html));
}

/** Pages of nasty pieces, half of them cut off anywhere. */
export const nastyHtml: fc.Arbitrary<string> = cut(
  fc.array(piece, { maxLength: 24, size: "max" }).map((pieces) => pieces.join("")),
);

/** Units that mean something to a tokenizer, in any order. */
export const unitSoup: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ..."< < < > > / / ! - -- [ ] = ' \" & ; \n \0 a A b p script style title textarea SCRIPT </script <!--".split(
        " ",
      ),
      ..." \u00e9\u{1f600}",
    ),
    { maxLength: 80, size: "max" },
  )
  .map((units) => units.join(""));

const SVG_LEAVES = [
  "<path d='M0'/>",
  "<![CDATA[ <p>x</p> &amp; ]]>",
  "<![CDATA[]]>",
  "<![CDATA[\n]]>",
  "<![CDATA[]]]]>",
  "<style>.a > b { }<g></g></style>",
  "<style/>",
  "<script>a</script>",
  "<script/>",
  "<title>a <b>b</b> &amp;</title>",
  "<textarea><g>x</g></textarea>",
  "<foreignObject><div><style>a<b>c</style><![CDATA[x]]></div></foreignObject>",
  "<foreignobject><svg><style>a<b></b></style></svg><p>a<br>b</p></FOREIGNOBJECT>",
  "<foreignObject></div></g><style>a<b></style></foreignObject><style><g></style>",
  "<desc><title><b></title><textarea><i></textarea></desc>",
  "<a>x</a>",
  "<text>a &lt; b</text>",
  "</x>",
];
/** No CDATA directly in an integration point: there parse5 departs from the standard (13.2.5.42), which tokenize.test.ts pins. */
const MATH_LEAVES = [
  "<mi><style><b></style>x</mi>",
  "<mtext>a>b<b></b></mtext>",
  "<mo><mglyph><![CDATA[a>b]]></mglyph></mo>",
  "<mn>1</mn>",
  "<title>a<g></g></title>",
  "<![CDATA[ > ]]>",
  "<annotation>x</annotation>",
];

/** Text that swallows no tag after it. */
const plainText = text.filter((shown) => !shown.includes("<"));
const { svgTree, mathTree } = fc.letrec<{ svgTree: string; mathTree: string }>((tie) => {
  const leafOr = (leaves: readonly string[], tree: fc.Arbitrary<string>) =>
    fc.array(fc.oneof({ maxDepth: 3 }, fc.constantFrom(...leaves), plainText, tree), { maxLength: 4 });
  return {
    svgTree: fc
      .tuple(fc.constantFrom("svg", "SVG", "g", "defs"), leafOr(SVG_LEAVES, tie("svgTree")))
      .map(([name, inside]) => `<${name} id=a>${inside.join("")}</${name}>`),
    mathTree: fc
      .tuple(fc.constantFrom("math", "mrow", "math"), leafOr(MATH_LEAVES, tie("mathTree")))
      .map(([name, inside]) => `<${name}>${inside.join("")}</${name}>`),
  };
});
const BREAKOUTS = [
  "<p>a</p>",
  "<div><style><b></style></div>",
  "<img><title><b></title>",
  "<font color=red>x</font>",
  "<br>",
];
const foreign = fc.oneof(
  svgTree.map((tree) => `<svg>${tree}</svg>`),
  mathTree.map((tree) => `<math>${tree}</math>`),
  fc.tuple(svgTree, fc.constantFrom(...BREAKOUTS)).map(([tree, out]) => `<svg><g>${tree}${out}<style><g></style>`),
  fc.constantFrom(
    "<svg/><style><b></style>",
    "<p>x</p>",
    "<style><b></style>",
    "<![CDATA[ x> ]]>",
    "<math/><title><b></title>",
  ),
);

/** Pages with svg and math in them, well formed but for what breaks out of them, half of them cut off anywhere. */
export const foreignHtml: fc.Arbitrary<string> = cut(
  fc.array(foreign, { maxLength: 5 }).map((parts) => `<body><div>${parts.join("")}</div>`),
);
