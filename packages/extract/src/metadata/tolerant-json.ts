/** JSON as pages carry it: mostly right, sometimes wrapped in comments, with raw line ends in strings or a comma too many. */

/**
 * The value of `text`, or undefined when it is no JSON even after mending: comment and CDATA marks around it, control characters
 * in strings, commas before a bracket, escapes JSON does not know, a semicolon at the end, several values in a row (they come as
 * an array). Nothing is evaluated. Linear in the length of `text`, which the caller bounds.
 */
export function parseTolerant(text: string): unknown {
  const plain = parse(text);
  if (plain !== undefined) return plain;
  const inner = unwrap(text);
  if (inner === "") return undefined;
  const mended = mend(inner);
  return parse(mended) ?? parse(`[${mended}]`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** From the first bracket to the last, which leaves marks, assignments and semicolons outside. */
function unwrap(text: string): string {
  const bare = text.includes("CDATA") ? text.replace("<![CDATA[", "").replace("]]>", "") : text;
  const isEscaped = bare.includes("&quot;") && !bare.includes('"');
  const decoded = isEscaped ? bare.replaceAll("&quot;", '"').replaceAll("&amp;", "&") : bare;
  const start = decoded.search(/[[{]/);
  const end = Math.max(decoded.lastIndexOf("}"), decoded.lastIndexOf("]"));
  return start < 0 || end <= start ? "" : decoded.slice(start, end + 1);
}

/** One pass; `out` collects the pieces between the places that change. */
function mend(text: string): string {
  let out = "";
  let from = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === 0x22) inString = false;
      else if (code === 0x5c) {
        at++;
        if (isEscape(text, at)) continue;
        out += text.slice(from, at - 1);
        from = at;
      } else if (code < 0x20) {
        out += `${text.slice(from, at)} `;
        from = at + 1;
      }
    } else if (code === 0x22) inString = true;
    else if (code === 0x2c || code === 0x7d || code === 0x5d) {
      const next = nextCode(text, at + 1);
      const isSpare = code === 0x2c && (next === 0x7d || next === 0x5d || next === 0x2c);
      const isRow = code !== 0x2c && (next === 0x7b || next === 0x5b);
      if (!isSpare && !isRow) continue;
      out += text.slice(from, isSpare ? at : at + 1) + (isRow ? "," : "");
      from = at + 1;
    }
  }
  return out + text.slice(from);
}

function isEscape(text: string, at: number): boolean {
  return text[at] === "u" ? /^[0-9a-f]{4}$/i.test(text.slice(at + 1, at + 5)) : '"\\/bfnrt'.includes(text[at] ?? " ");
}

function nextCode(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0x20) return code;
  }
  return 0;
}
