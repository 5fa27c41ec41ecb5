/**
 * The frame as `[seq,ts,type,id,data]`, or with its correlation as a sixth item, cut out of its JSON without parsing it: about 90 bytes less a frame.
 * The places are found by text that cannot occur inside a JSON string, where a quote is always escaped (encode-frame.ts writes the order).
 */
export function compactFrame(json: string): string {
  const seqAt = json.indexOf('"seq":') + 6;
  const tsAt = json.indexOf(',"ts":', seqAt);
  const typeAt = json.indexOf(',"type":', tsAt);
  const idAt = json.indexOf('","id":"', typeAt) + 1;
  const idEnd = endOfString(json, idAt + 6);
  const head = `[${json.slice(seqAt, tsAt)},${json.slice(tsAt + 6, typeAt)},${json.slice(typeAt + 8, idAt)},${json.slice(idAt + 6, idEnd)},`;
  if (json.startsWith(',"data":', idEnd)) return `${head}${json.slice(idEnd + 8, -1)}]`;
  const dataAt = json.indexOf('},"data":', idEnd);
  return `${head}${json.slice(dataAt + 9, -1)},${json.slice(idEnd + 15, dataAt + 1)}]`;
}

/** The place behind the string that begins with the quote at `start`. */
function endOfString(json: string, start: number): number {
  for (let at = json.indexOf('"', start + 1); ; at = json.indexOf('"', at + 1)) {
    let escapes = 0;
    while (json[at - 1 - escapes] === "\\") escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}
