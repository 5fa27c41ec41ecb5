/** How each element takes part in the flow of text. */

/** Elements whose content is never text of the page. */
export const SKIPPED: ReadonlySet<string> = new Set(
  "script style template svg iframe object embed canvas select option datalist textarea audio video map button".split(
    " ",
  ),
);

/** Elements that begin and end a block and may hold others: the containers. Custom elements (with a dash) count too. */
export const CONTAINERS: ReadonlySet<string> = new Set(
  "html body div section article main header footer nav aside form fieldset details table tbody thead tfoot tr td th ul ol menu dl figure blockquote center dialog search noscript".split(
    " ",
  ),
);

/** Elements that begin and end a block of their own but hold only a line of text. */
export const BREAKERS: ReadonlySet<string> = new Set(
  "p h1 h2 h3 h4 h5 h6 li dt dd pre hr figcaption caption summary address legend title head listing xmp plaintext".split(
    " ",
  ),
);

/** Block elements that a stray inline end tag must not close across; used to bound what an unclosed `<a>` covers. */
export const HEADING_LEVELS: Readonly<Record<string, number>> = { h1: 1, h2: 2, h3: 3, h4: 4, h5: 5, h6: 6 };
